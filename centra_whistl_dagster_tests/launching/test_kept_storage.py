"""What is kept of Dagster's storage between two questions, and that nothing stale comes of it."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

from centra_whistl_dagster.launching import storage
from centra_whistl_dagster.launching.code_server import instances

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    return tmp_path


@pytest.fixture
def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> InstanceRef:
    # Put back afterwards, so that other tests open what they ask for.
    monkeypatch.setattr(dg.DagsterInstance, "from_ref", dg.DagsterInstance.from_ref)
    instances.keep_instances()
    return InstanceRef.from_dir(str(home))


def test_a_thread_gets_its_own_instance_again_and_another_thread_another(
    opened: InstanceRef,
) -> None:
    with dg.DagsterInstance.from_ref(opened) as first:
        pass
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(opened.local_artifact_storage.base_dir)):
        pass
    elsewhere: list[dg.DagsterInstance] = []
    thread = threading.Thread(target=lambda: elsewhere.append(dg.DagsterInstance.from_ref(opened)))
    thread.start()
    thread.join()

    assert dg.DagsterInstance.from_ref(opened) is first
    assert elsewhere[0] is not first


def test_an_instance_that_was_left_sees_what_others_have_written_since(
    opened: InstanceRef,
) -> None:
    with dg.DagsterInstance.from_ref(opened) as instance:
        before = instance.get_runs_count()
    others: list[object] = []

    def run_elsewhere() -> None:
        with dg.DagsterInstance.from_ref(opened) as other:
            others.append(other)
            nothing_to_do.execute_in_process(instance=other)

    thread = threading.Thread(target=run_elsewhere)
    thread.start()
    thread.join()

    with dg.DagsterInstance.from_ref(opened) as again:
        assert again is instance
        assert again is not others[0]
        assert (before, again.get_runs_count()) == (0, 1)


@dg.job
def nothing_to_do() -> None:
    """Run no step."""


def test_a_file_has_one_engine_and_the_longest_unused_one_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storage, "_MOST_KEPT", 2)
    made: list[str] = []

    def make(address: str, **_: object) -> object:
        made.append(address)
        return object()

    engine_of = storage.EngineOfFile(make)
    first, _ = engine_of("a"), engine_of("b")

    assert engine_of("a") is first
    engine_of("c")
    assert engine_of("a") is first
    engine_of("b")
    assert made == ["a", "b", "c", "b"]


def test_every_module_of_dagsters_that_makes_engines_uses_the_kept_ones(home: Path) -> None:
    """A minor version that makes them elsewhere would only be slower: this test would say so."""
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home))) as instance:
        nothing_to_do.execute_in_process(instance=instance)
        instance.all_instigator_state()

    for module in storage.MAKERS_OF_ENGINES:
        engine_of = module.create_engine
        assert isinstance(engine_of, storage.EngineOfFile), module.__name__
        assert [address for address in engine_of.addresses if str(home) in address]
