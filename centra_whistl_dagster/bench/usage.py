"""What the processes of an installation use of the machine, as Linux's `/proc` has it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

SIMULATORS = "simulators"
"""Not the product: their CPU seconds and memory are counted apart."""
_CODE_SERVER = "code_server"
RUNS = "runs"
"""Children of the code server: runs, and the process that they are forked from."""
_PROC = Path("/proc")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the processes of an installation have used so far."""

    cpu_by_process: Mapping[str, float]
    """CPU seconds since the start, those of children that have ended included."""
    memory_gb: float
    """Held at this moment, without the simulators'; what processes share is counted once."""
    count: int
    """How many processes there are at this moment."""

    @property
    def cpu_s(self) -> float:
        """CPU seconds of everything but the simulators."""
        return sum(s for name, s in self.cpu_by_process.items() if name != SIMULATORS)

    def since(self, before: Usage) -> dict[str, float]:
        """Return the CPU seconds used since an earlier moment, by process."""
        earlier = before.cpu_by_process
        return {name: s - earlier.get(name, 0) for name, s in self.cpu_by_process.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    pid: int
    session: int
    own_s: float
    ended_children_s: float

    def memory_kb(self) -> int:
        """Return its proportional share of memory; 0 for one that has just ended."""
        try:
            lines = (_PROC / str(self.pid) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def usage(started: Mapping[str, int]) -> Usage:
    """Return what has been used by processes and all that they started.

    Args:
        started: by name, the process id of each, which is its session's too.
    """
    names = {session: name for name, session in started.items()}
    cpu: Counter[str] = Counter()
    memory_kb = count = 0
    for process in _processes():
        name = names.get(process.session)
        if name is None:
            continue
        count += 1
        children = RUNS if name == _CODE_SERVER else name
        is_leader = process.pid == process.session
        cpu[name if is_leader else children] += process.own_s  # type: ignore[assignment]
        cpu[children] += process.ended_children_s  # type: ignore[assignment]
        if name != SIMULATORS:
            memory_kb += process.memory_kb()
    return Usage(cpu_by_process=dict(cpu), memory_gb=memory_kb * 1024 / 1e9, count=count)


def require_proc() -> None:
    """Check that this machine shows what its processes use.

    Raises:
        click.ClickException: it does not.
    """
    if not (_PROC / "self" / "smaps_rollup").exists():
        raise click.ClickException(
            "The figures of an installation are read from /proc/*/smaps_rollup, which only Linux "
            "has. Run them on Linux, or the other benchmarks alone: --only loads."
        )


def _processes() -> Iterator[_Process]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended since the folder was listed
        # As proc(5) numbers them, 1 is the id and 2 a name in brackets, which may hold spaces.
        fields = ["", "", *text.rpartition(")")[2].split()]
        user, system, ended_user, ended_system = (int(field) for field in fields[13:17])
        yield _Process(
            pid=int(folder.name),
            session=int(fields[5]),
            own_s=(user + system) / _TICKS_A_SECOND,
            ended_children_s=(ended_user + ended_system) / _TICKS_A_SECOND,
        )
