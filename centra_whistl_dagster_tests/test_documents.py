"""The documents, against what they speak of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, build_schema, parse

from centra_whistl_dagster.centra.graphql import document
from centra_whistl_dagster.config_files.exceptions import load_responsibilities
from centra_whistl_dagster.domain.exceptions.responsibilities import Owner
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.handbook import TEAMS, exceptions_tables, with_tables
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.simulator.centra.survey import survey

PROJECT = Path(__file__).parents[1]
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
ADDRESSES = {"CENTRA_BASE_URL": "https://shop.test", "WHISTL_BASE_URL": "https://whistl.test"}
HANDBOOK = (PROJECT / "docs" / "handbook.md").read_text(encoding="utf-8")
ENV_EXAMPLE = (PROJECT / ".env.example").read_text(encoding="utf-8")


class Noting(Mapping[str, str]):
    """An environment that remembers which names it was asked for."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def given_in_example() -> dict[str, str]:
    lines = (line.partition("=") for line in ENV_EXAMPLE.splitlines())
    return {name: value for name, sign, value in lines if sign and re.fullmatch(r"[A-Z_]+", name)}


def named_in_example() -> set[str]:
    return set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", ENV_EXAMPLE, flags=re.MULTILINE))


def test_the_example_names_every_setting_that_is_read_and_no_other() -> None:
    named = named_in_example()
    minimal = {"CENTRA_TOKEN": "t", "WHISTL_TOKEN": "t", "WHISTL_CLIENT_CODE": "c"}
    minimal |= ADDRESSES | {"WHISTL_SITE": "s"}
    environment = Noting(minimal | {name: "json://x" for name in named if "ALERT_" in name})

    load_settings(environment)

    secrets_by_file = {name for name in environment.asked if name.endswith("_URL_FILE")}
    assert environment.asked - named <= secrets_by_file
    assert named - environment.asked == {"DAGSTER_HOME"}


def test_the_example_filled_in_is_what_the_settings_are_without_it() -> None:
    filled = ADDRESSES | {"CENTRA_TOKEN": "t"}
    filled |= {"WHISTL_CLIENT_ID": "i", "WHISTL_CLIENT_SECRET": "s"}
    filled |= {"WHISTL_CLIENT_CODE": "c", "WHISTL_SITE": "s"}

    assert load_settings(given_in_example() | filled) == load_settings(filled)


def test_the_example_has_no_secret_in_it() -> None:
    filled = {name for name, value in given_in_example().items() if value}

    assert not {name for name in filled if re.search("TOKEN|SECRET|PASSWORD|_URL", name)}


def test_the_handbooks_tables_are_those_of_the_configuration() -> None:
    text = (PROJECT / "config" / "exceptions.toml").read_text(encoding="utf-8")
    tables = exceptions_tables(load_responsibilities(text, "exceptions.toml"))

    assert with_tables(HANDBOOK, tables) == HANDBOOK, (
        "renew them: python -m centra_whistl_dagster.handbook "
        "config/exceptions.toml docs/handbook.md"
    )


def test_the_handbook_names_every_kind_once() -> None:
    text = (PROJECT / "config" / "exceptions.toml").read_text(encoding="utf-8")
    kinds = load_responsibilities(text, "exceptions.toml")

    assert sorted(re.findall(r"<br>`(\w+)` \|", HANDBOOK)) == sorted(kinds)


def test_a_handbook_that_lost_its_marks_is_told_so() -> None:
    with pytest.raises(ValueError, match="needs the marks"):
        with_tables("# A handbook without tables\n", "")


def test_every_owner_has_a_name_that_people_know() -> None:
    assert set(TEAMS) == set(Owner)


def test_the_handbook_explains_every_state_of_an_order() -> None:
    _, _, section = HANDBOOK.partition("## Where an order stands")
    told = re.findall(r"^\| ([a-z ]+) \|", section.partition("## Exceptions")[0], flags=re.M)

    assert {name.replace(" ", "_") for name in told} - {"state"} == set(OrderState)


def test_the_permissions_told_are_those_that_the_operations_need() -> None:
    text = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([A-Za-z.]+:(?:read|write))` \|", text, flags=re.MULTILINE)

    assert sorted(told) == sorted(needed_permissions())


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
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors_of(there), target


def anchors_of(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", sorted(PROJECT.glob("docs/images/*.svg")), ids=lambda p: p.name)
def test_every_drawing_is_described_for_those_who_do_not_see_it(path: Path) -> None:
    drawing = ElementTree.parse(path).getroot()  # noqa: S314 - our own file

    for part in ("title", "desc"):
        found = drawing.find(f"{{http://www.w3.org/2000/svg}}{part}")
        assert found is not None
        assert found.text
