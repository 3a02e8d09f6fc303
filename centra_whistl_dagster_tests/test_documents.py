"""The documents agree with the code and the configuration they describe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, build_schema, parse

from centra_whistl_dagster.centra.graphql import document
from centra_whistl_dagster.desk.settings import load_desk_settings
from centra_whistl_dagster.documents.generated import GENERATORS, generate
from centra_whistl_dagster.documents.handbook import with_tables
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import TEAMS, Owner
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.simulator.centra.survey import survey

PROJECT = Path(__file__).parents[1]
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
ADDRESSES = {"CENTRA_BASE_URL": "https://shop.test", "WHISTL_BASE_URL": "https://whistl.test"}
HANDBOOK = (PROJECT / "docs" / "handbook.md").read_text(encoding="utf-8")
SECURITY = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
ENV_EXAMPLE = (PROJECT / ".env.example").read_text(encoding="utf-8")


class RecordingEnvironment(Mapping[str, str]):
    """An environment that records which names were read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def values_in_example() -> dict[str, str]:
    lines = (line.partition("=") for line in ENV_EXAMPLE.splitlines())
    return {name: value for name, sign, value in lines if sign and re.fullmatch(r"[A-Z_]+", name)}


def named_in_example() -> set[str]:
    return set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", ENV_EXAMPLE, flags=re.MULTILINE))


def test_the_example_lists_every_setting_that_is_read_and_no_other() -> None:
    named = named_in_example()
    minimal = {"CENTRA_TOKEN": "t", "WHISTL_TOKEN": "t", "WHISTL_CLIENT_CODE": "c"}
    minimal |= ADDRESSES | {"WHISTL_SITE": "s"}
    environment = RecordingEnvironment(
        minimal | {name: "json://x" for name in named if "ALERT_" in name}
    )

    load_settings(environment)
    load_desk_settings(environment, over_socket=False)

    optional_files = {name for name in environment.read if name.endswith("_URL_FILE")}
    assert environment.read - named <= optional_files
    assert named - environment.read == {"DAGSTER_HOME"}


def test_the_example_s_values_are_the_defaults() -> None:
    filled = ADDRESSES | {"CENTRA_TOKEN": "t"}
    filled |= {"WHISTL_CLIENT_ID": "i", "WHISTL_CLIENT_SECRET": "s"}
    filled |= {"WHISTL_CLIENT_CODE": "c", "WHISTL_SITE": "s"}

    assert load_settings(values_in_example() | filled) == load_settings(filled)
    example, left_out = (
        load_desk_settings(values, over_socket=False)
        for values in (values_in_example() | filled, filled)
    )
    assert example == left_out


def test_the_example_contains_no_secret() -> None:
    filled = {name for name, value in values_in_example().items() if value}

    assert not {name for name in filled if re.search("TOKEN|SECRET|PASSWORD|_URL", name)}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generated_document_is_up_to_date(name: str) -> None:
    text = (PROJECT / name).read_text(encoding="utf-8")

    assert text == generate(name, PROJECT), "out of date: run make docs"


def test_the_handbook_lists_every_kind_of_exception_once() -> None:
    assert sorted(re.findall(r"<br>`(\w+)` \|", HANDBOOK)) == sorted(ExceptionKind)


def test_a_handbook_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="must contain the marks"):
        with_tables("# A handbook without tables\n", "")


def test_every_owner_has_a_team_name() -> None:
    assert set(TEAMS) == set(Owner)


def test_the_handbook_explains_every_state_of_an_order() -> None:
    _, _, section = HANDBOOK.partition("## Order states")
    explained = re.findall(r"^\| ([a-z ]+) \|", section.partition("## Exceptions")[0], flags=re.M)

    assert {name.replace(" ", "_") for name in explained} - {"state"} == set(OrderState)


def test_the_readme_lists_every_document() -> None:
    _, _, table = (PROJECT / "README.md").read_text(encoding="utf-8").partition("## Documents")
    listed = set(re.findall(r"\]\(docs/([^)#/]+\.md)\)", table.partition("\n## ")[0]))

    assert listed == {path.name for path in (PROJECT / "docs").glob("*.md")}


def test_the_permissions_listed_are_those_the_operations_need() -> None:
    text = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([A-Za-z.]+:(?:read|write))` \|", text, flags=re.MULTILINE)

    assert sorted(listed) == sorted(needed_permissions())


def rows_that_prove() -> list[str]:
    """The rows of the two tables in which each claim has its proof."""
    _, _, section = SECURITY.partition("## Threats and controls")
    rows = section.partition("## Reporting a weakness")[0].splitlines()
    return [
        row for row in rows if row.startswith("|") and "---|" not in row and "shown by" not in row
    ]


@pytest.mark.parametrize("row", rows_that_prove(), ids=lambda row: row[2:60])
def test_every_control_names_a_test_or_a_file_that_exists(row: str) -> None:
    proofs = re.findall(r"`([^`]+)`", row.rstrip("| ").rpartition("|")[2])

    assert proofs
    for proof in proofs:
        name, sign, test = proof.partition("::")
        file = PROJECT / ("centra_whistl_dagster_tests" if sign else "") / name
        assert file.is_file(), proof
        if sign:
            assert re.search(rf"^def {test}\(", file.read_text(encoding="utf-8"), re.M), proof


def test_both_tables_of_controls_are_read() -> None:
    assert len(rows_that_prove()) > 25
    assert any("A.8.13" in row for row in rows_that_prove())


def needed_permissions() -> set[str]:
    home = files("centra_whistl_dagster.centra")
    schema = build_schema((home / "schema.graphql").read_text(encoding="utf-8"))
    needed: set[str] = set()
    for file in (home / "operations").iterdir():
        parts = parse(document(file.name.removesuffix(".graphql"))).definitions
        (operation,) = (part for part in parts if isinstance(part, OperationDefinitionNode))
        fragments = [part for part in parts if isinstance(part, FragmentDefinitionNode)]
        by_name = {part.name.value: part for part in fragments}
        needed |= set(survey(schema, operation, by_name, {}).permissions)
    return needed


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_link_inside_the_project_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+://", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors_of(linked), target


def anchors_of(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", sorted(PROJECT.glob("docs/images/*.svg")), ids=lambda p: p.name)
def test_every_drawing_has_a_title_and_a_description(path: Path) -> None:
    drawing = ElementTree.parse(path).getroot()  # noqa: S314 - our own file

    for tag in ("title", "desc"):
        element = drawing.find(f"{{http://www.w3.org/2000/svg}}{tag}")
        assert element is not None
        assert element.text
