"""The command line as a whole: what it lists, what it imports, and how it refuses."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import util
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from centra_whistl_dagster import extras
from centra_whistl_dagster.cli import PROJECT, documents
from centra_whistl_dagster.cli import main as command_line
from centra_whistl_dagster.cli.main import COMMANDS, commands
from centra_whistl_dagster.config_files.reader import ConfigError, ConfigFault
from centra_whistl_dagster.documents.generated import GENERATORS
from centra_whistl_dagster.extras import ExtraMissing

HEAVY = (
    "centra_whistl_dagster.workflows",
    "dagster",
    "duckdb",
    "httpx",
    "pandas",
    "rich",
    "sqlalchemy",
)


def loaded(name: str) -> click.Command:
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    return command


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_each_command_with_the_first_line_of_its_own_help(name: str) -> None:
    command = loaded(name)

    assert command.name == name
    assert (command.help or "").partition("\n")[0] == COMMANDS[name].summary
    assert COMMANDS[name].summary in CliRunner().invoke(commands, ["--help"]).output


def test_help_imports_nothing_that_takes_long() -> None:
    code = (
        "import sys\n"
        "from centra_whistl_dagster.cli.main import commands\n"
        "commands(['--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )

    ended = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )

    assert ended.stdout.splitlines()[-1] == "[]"


def test_the_readme_names_every_command_and_no_other() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"centra-whistl ([a-z-]+)", readme + makefile)

    assert set(named) == set(COMMANDS)


@pytest.mark.usefixtures("without_package")
def test_the_demo_without_its_extra_says_which_one_to_install() -> None:
    with pytest.raises(
        ExtraMissing, match=r"aiosmtpd.*pip install 'centra-whistl-dagster\[demo\]'"
    ):
        commands(["demo", "--for", "1"], standalone_mode=False)


@pytest.mark.usefixtures("without_package")
def test_a_backtest_without_the_plots_extra_says_so_before_it_begins(tmp_path: Path) -> None:
    orders = tmp_path / "orders.parquet"
    orders.touch()

    with pytest.raises(ExtraMissing, match=r"matplotlib.*centra-whistl-dagster\[plots\]"):
        commands(
            ["backtest", str(orders), "--picture", str(tmp_path / "x.png")], standalone_mode=False
        )


def test_an_optional_package_is_imported_by_nothing_but_the_command_that_needs_it() -> None:
    code = (
        "import sys\n"
        "for name in ('aiosmtpd', 'matplotlib'):\n"
        "    sys.modules[name] = None\n"
        "from centra_whistl_dagster.cli.main import COMMANDS, commands\n"
        "for name in COMMANDS:\n"
        "    if COMMANDS[name].extra is None:\n"
        "        commands.get_command(None, name)\n"
        "import centra_whistl_dagster.definitions\n"
    )

    ended = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PROJECT
    )

    assert util.find_spec("aiosmtpd") is not None
    assert ended.returncode == 0, ended.stderr


HEAVY_FOR_A_RUN = (
    "aiosmtpd",
    "apprise",
    "centra_whistl_dagster.backtest",
    "centra_whistl_dagster.bench",
    "centra_whistl_dagster.simulator",
    "dagster_webserver",
    "matplotlib",
    "psycopg2",
    "starlette",
    "uvicorn",
)
"""Of the demo, the benchmarks, the webserver, PostgreSQL, and the process that sends alerts."""


def test_a_run_loads_no_package_that_only_the_demo_the_webserver_or_the_alerts_need() -> None:
    code = (
        "import sys\n"
        "import centra_whistl_dagster.definitions\n"
        f"print([name for name in {HEAVY_FOR_A_RUN!r} if name in sys.modules])\n"
    )

    ended = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )

    assert ended.stdout.splitlines()[-1] == "[]"


def test_an_error_an_operator_can_fix_is_printed_without_a_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def failing() -> None:
        raise ConfigError("policy.toml", [ConfigFault(line=3, detail="risk \x1b[31mis text")])

    monkeypatch.setattr(command_line, "commands", failing)
    monkeypatch.setattr(command_line, "load_dotenv", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["centra-whistl"])

    with pytest.raises(SystemExit) as ended:
        command_line.main()

    printed = capsys.readouterr().err
    assert ended.value.code == 2
    assert r"risk \x1b[31mis text" in printed
    assert "Traceback" not in printed


# ---- generated documents
def project_with_old_documents(folder: Path) -> Path:
    for name in ("config/exceptions.toml", "requirements.lock", *GENERATORS):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text((PROJECT / name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "docs" / "data-dictionary.md").write_text("old", encoding="utf-8")
    return folder


def test_docs_regenerates_what_is_out_of_date_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "PROJECT", project_with_old_documents(tmp_path))

    first = CliRunner().invoke(commands, ["docs"])
    second = CliRunner().invoke(commands, ["docs"])

    assert first.output.splitlines() == ["docs/data-dictionary.md: updated"]
    assert second.output == ""
    written = (tmp_path / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert written.startswith("# Data dictionary")


def test_docs_with_check_writes_nothing_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "PROJECT", project_with_old_documents(tmp_path))

    result = CliRunner().invoke(commands, ["docs", "--check"])

    assert result.exit_code == 1
    assert "docs/data-dictionary.md: out of date" in result.output
    assert (tmp_path / "docs" / "data-dictionary.md").read_text(encoding="utf-8") == "old"
