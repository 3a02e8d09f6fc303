"""What one demo is: how long it trades, how busy it is, what goes wrong, where its files are.

Does not belong here: starting or watching processes (`run`).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from centra_whistl_dagster.config_files.configuration import POLICY_FILE
from centra_whistl_dagster.config_files.policy import load_policy
from centra_whistl_dagster.domain.stock.policy import StockPolicy
from centra_whistl_dagster.hooks.receiver import PATH
from centra_whistl_dagster.launching.dagster_processes import LOOPBACK, DagsterPlaces
from centra_whistl_dagster.simulator.people.behaviour import Opening
from centra_whistl_dagster.simulator.people.spoilage import SPOILAGE_KINDS
from centra_whistl_dagster.simulator.world.catalogue import shipping_services_csv, stock_world
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN
from centra_whistl_dagster.simulator.world.switches import SWITCHES
from centra_whistl_dagster.simulator.world.world import Settings, World

CLIENT_CODE = "DEMO"
PUSH_SECRET = "demo-push-secret"  # noqa: S105 - opens nothing but a demo
SPOILED_SHARE = 0.2
SPEED = 60.0
"""A trading day's hour in a minute: picking takes seconds, customer service answers in twenty."""

OPENING = Opening(healthy=4, held=1, cancelled=1, spoiled=len(SPOILAGE_KINDS) + 1)
"""What every demo shows, however short: each kind of fault, and one that its customer never puts
right."""

A_FEW_ORDERS = Opening(healthy=3)
"""All of them good: what a shop needs to be seen at work before it is left idle."""

FAULTS: tuple[dict[str, object], ...] = (
    {"system": "whistl", "operation": "create_order", "kind": "lose_answer_after", "share": 0.05},
    {"system": "whistl", "operation": "create_order", "kind": "error_500_after", "share": 0.03},
    {"system": "whistl", "operation": "create_order", "kind": "error_503_before", "share": 0.03},
    {"system": "whistl", "operation": "list_despatches", "kind": "html_200", "share": 0.02},
    {"system": "centra", "operation": "createShipment", "kind": "lose_answer_after", "share": 0.05},
    {"system": "centra", "operation": "orders", "kind": "error_503_before", "share": 0.02},
)
"""Answers lost after the work was done, on both sides: a careless retry sends a second parcel."""

SWITCHES_ON: Mapping[str, object] = {
    # The hardest Whistl there may be: it takes a number twice and ships twice. Only looking an
    # order up before sending it again keeps the run clean.
    "whistl_accepts_repeated_numbers": True,
    "whistl_ignores_idempotency_key": True,
    "whistl_client_code": CLIENT_CODE,
    "duplicate_despatch_share": 0.1,
    "out_of_order_despatch_share": 0.1,
    "null_tracking_share": 0.05,
    # What no push announces, polling finds.
    "centra_push_dropped_share": 0.05,
    "centra_push_repeated_share": 0.1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The plan of one demo."""

    seconds: float | None
    """How long the shop is open; None: until interrupted."""
    seed: int
    orders_per_minute: float
    state: Path
    webserver_port: int
    code_server_port: int
    simulator_port: int
    desk_port: int
    hooks_port: int | None = None
    """Where Centra pushes to; None: nowhere, and polling alone finds orders."""
    kill_after_seconds: float | None = None
    """When to kill Dagster without warning, and start it again on the same state; it has accepted
    an order by then, however late that makes it."""
    speed: float = SPEED
    """Trading-day seconds in a second."""
    ladder_minutes: tuple[int, ...] | None = (1, 3)
    """The intervals of stock syncs, shorter than in production; None: those of production."""
    is_limited: bool = True
    """Both systems keep to their quotas."""
    skus: int = 200
    starts_runs_warm: bool = True
    """As in production; else each run starts an interpreter of its own."""
    runs_by_hand: bool = False
    """Nothing runs but what is launched over the webserver, and that without a queue."""
    alerts_down: bool = False
    """Every team's own alert channel is dead all day; the second one works."""
    alert_addresses: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = True

    @property
    def config(self) -> Path:
        """The folder of what operators own."""
        return self.state / "config"

    def stock_policy(self) -> StockPolicy:
        """Return what this demo's operators have set for stock."""
        policy = self.config / POLICY_FILE
        return load_policy(policy.read_text(encoding="utf-8"), POLICY_FILE).stock

    @property
    def archive(self) -> Path:
        """Where the product keeps stock as it was read."""
        return self.state / "archive"

    @property
    def published(self) -> Path:
        """The copy of the history that analysts open."""
        return self.state / "published" / "history.duckdb"

    @property
    def alerts_file(self) -> Path:
        """Every alert that a team received, as text."""
        return self.state / "alerts.txt"

    @property
    def settings_file(self) -> Path:
        """The settings of this demo, for a shell that runs the product's commands."""
        return self.state / "demo.env"

    @property
    def dagster(self) -> DagsterPlaces:
        """Where Dagster runs."""
        return DagsterPlaces(
            home=self.dagster_home,
            webserver_port=self.webserver_port,
            code_server_port=self.code_server_port,
            starts_runs_warm=self.starts_runs_warm,
            is_read_only=not self.runs_by_hand,
            has_daemon=not self.runs_by_hand,
        )

    @property
    def desk_url(self) -> str:
        """Where people open the desk."""
        return f"http://{LOOPBACK}:{self.desk_port}"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.state / "dagster_home"

    def simulator_arguments(self) -> list[str]:
        """Return the command line of the simulators."""
        arguments = [
            *("--port", str(self.simulator_port), "--seed", str(self.seed), "--closed"),
            *("--speed", str(self.speed), "--orders-per-minute", str(self.orders_per_minute)),
            *("--spoiled-share", str(SPOILED_SHARE), "--corrections-wait-for-report"),
            *("--skus", str(self.skus)),
        ]
        if not self.is_limited:
            arguments += ["--unlimited"]
        if self.hooks_port is not None:
            arguments += ["--pushes-to", f"http://{LOOPBACK}:{self.hooks_port}{PATH}"]
            arguments += ["--push-secret", PUSH_SECRET]
        for name, value in SWITCHES_ON.items():
            arguments += ["--switch", f"{name}={json.dumps(value)}"]
        return arguments

    def receiver_arguments(self) -> list[str]:
        """Return the command line of the receiver of pushes."""
        return ["--port", str(self.hooks_port)]

    def product_settings(self) -> dict[str, str]:
        """Return the product's settings for this demo: the simulators, and the demo's own files."""
        base = f"http://{LOOPBACK}:{self.simulator_port}"
        return {
            "CENTRA_BASE_URL": f"{base}/centra",
            "CENTRA_TOKEN": TEST_TOKEN,
            "CENTRA_WAREHOUSE_ID": "1",
            "CENTRA_QUOTA_SHARE": "0.8",
            "CENTRA_PLAN": "growth" if self.is_limited else "unlimited",
            "WHISTL_REQUESTS_PER_MINUTE": "120" if self.is_limited else "0",
            "CENTRA_WEBHOOK_SECRET": "" if self.hooks_port is None else PUSH_SECRET,
            "WHISTL_BASE_URL": f"{base}/whistl",
            "WHISTL_CLIENT_ID": SWITCHES["whistl_client_id"],
            "WHISTL_CLIENT_SECRET": SWITCHES["whistl_client_secret"],
            "WHISTL_CLIENT_CODE": CLIENT_CODE,
            "WHISTL_SITE": "SW",
            "WHISTL_LOOK_UP_LAG_SECONDS": "3",
            "STATE_DIR": str(self.state),
            "PUBLISHED_PATH": str(self.published),
            "CONFIG_DIR": str(self.config),
            "DAGSTER_HOME": str(self.dagster_home),
            "DESK_URL": self.desk_url,
        }

    def environment(self) -> dict[str, str]:
        """Return the environment of the product's processes; nothing of a real system is in it."""
        inherited = {name: value for name, value in os.environ.items() if not _is_ours(name)}
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)  # each run would compile its imports anew
        return inherited | self.product_settings() | dict(self.alert_addresses)

    def write_settings_file(self) -> None:
        """Write what a shell needs to run the product's commands on this demo."""
        # Set to nothing, or the `.env` of a real system would supply them.
        unset = dict.fromkeys((*_PLACES, "CENTRA_TOKEN_FILE", "WHISTL_CLIENT_SECRET_FILE"), "")
        lines = [
            f"{name}={shlex.quote(value)}"
            for name, value in (unset | self.product_settings()).items()
        ]
        self.settings_file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def prepare(day: Day, project: Path) -> None:
    """Lay out the demo's folder: configuration for the simulated services, Dagster's settings."""
    if day.fresh and day.state.exists():
        shutil.rmtree(day.state)
    day.dagster_home.mkdir(parents=True, exist_ok=True)
    instance = yaml.safe_load((project / "dagster.yaml").read_text(encoding="utf-8"))
    if day.runs_by_hand:
        # The other kind has a queue, from which the daemon takes runs.
        instance["run_coordinator"] = {
            "module": "dagster.core.run_coordinator",
            "class": "DefaultRunCoordinator",
        }
    (day.dagster_home / "dagster.yaml").write_text(yaml.safe_dump(instance), encoding="utf-8")
    shutil.copytree(project / "config", day.config, dirs_exist_ok=True)
    _shorten_time_limits(day.config / "exceptions.toml", day.speed)
    world = World(Settings(seed=day.seed, skus=day.skus))
    stock_world(world)
    (day.config / "shipping_services.csv").write_text(
        shipping_services_csv(world), encoding="utf-8"
    )
    policy = day.config / POLICY_FILE
    usual = policy.read_text(encoding="utf-8")
    quicker: dict[str, object] = {"half_life_days": 14 / day.speed, "hours": 72 / day.speed}
    if day.ladder_minutes is not None:
        quicker["ladder_minutes"] = list(day.ladder_minutes)
    for name, value in quicker.items():
        usual = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}", usual)
    policy.write_text(usual, encoding="utf-8")


def _shorten_time_limits(path: Path, speed: float) -> None:
    """Let time limits run as fast as the day does, so that some are seen to be exceeded."""
    quick = re.sub(
        r"(?m)^(time_limit_minutes = )(\d+)",
        lambda found: f"{found[1]}{max(1, round(int(found[2]) / speed))}",
        path.read_text(encoding="utf-8"),
    )
    path.write_text(quick, encoding="utf-8")


_PLACES = (
    *("LEDGER_URL", "LEDGER_KEY", "LEDGER_KEY_FILE", "LEDGER_FORMER_KEY", "LEDGER_FORMER_KEY_FILE"),
    *("HISTORY_PATH", "PUBLISHED_PATH", "ARCHIVE_PATH", "ORDER_NUMBER_PREFIX"),
)
"""Settings with defaults that suit the demo."""


def _is_ours(name: str) -> bool:
    return name.startswith(("CENTRA_", "WHISTL_", "DAGSTER_", "ALERT_", "DESK_")) or name in _PLACES
