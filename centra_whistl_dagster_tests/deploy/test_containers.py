"""What the container files say of users, file systems, networks and secrets. They are not run."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from centra_whistl_dagster.defs.assets.history import POOL

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
HELM: dict[str, Any] = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_the_image_has_two_stages_and_ends_as_a_user_without_rights() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]

    assert len(re.findall(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)) == 2
    assert re.findall(r"^USER (.*)$", last, flags=re.MULTILINE) == ["10001:10001"]
    assert not re.search("pip|requirements", last)


def test_no_setting_or_secret_is_copied_into_the_image() -> None:
    ignored = (DEPLOY.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert ignored[0] == "*"
    assert not [line for line in ignored if line.startswith("!") and ".env" in line]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_a_read_only_root_and_no_rights(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["user"] == "10001:10001"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_only_the_code_server_has_tokens_and_a_way_out_and_only_the_desk_has_its_ledger() -> None:
    def those_with(what: str) -> set[str]:
        return {name for name, service in SERVICES.items() if what in str(service)}

    only = {"code-server"}
    assert those_with("connection.env") == only
    assert those_with("centra_token") == only
    assert those_with("whistl_client_secret") == only
    assert those_with("'outside'") == only
    assert those_with("connection:/state") == {"code-server", "desk"}
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_what_the_code_server_keeps_and_publishes_is_on_volumes_that_its_user_can_write() -> None:
    """The root file system is read-only: a copy published outside a volume could not be written."""
    code_server = SERVICES["code-server"]
    mounted = dict(volume.split(":")[:2] for volume in code_server["volumes"])
    published = PurePosixPath(code_server["environment"]["PUBLISHED_PATH"])
    (made,) = re.findall(r"install -d -m 755 -o 10001 -g 10001 (.*)$", DOCKERFILE, re.MULTILINE)

    assert mounted[published.parent.name] == made == str(published.parent)
    assert mounted.keys() == COMPOSE["volumes"].keys()


def test_the_page_is_read_only_and_published_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {
        "webserver": ["127.0.0.1:3000:3000"],
        "desk": ["127.0.0.1:3001:3001"],
    }
    assert "--read-only" in SERVICES["webserver"]["command"]
    assert HELM["dagsterWebserver"]["enableReadOnly"] is True
    assert HELM["ingress"] == {"enabled": False}


def test_the_desk_starts_only_when_asked_has_one_secret_and_answers_to_a_proxy_alone() -> None:
    desk = SERVICES["desk"]

    assert desk["profiles"] == ["desk"]
    assert desk["secrets"] == ["desk_proxy_secret"]
    assert desk["environment"] == {
        "DESK_PROXY_SECRET_FILE": "/run/secrets/desk_proxy_secret",
        "PUBLISHED_PATH": SERVICES["code-server"]["environment"]["PUBLISHED_PATH"],
    }
    assert "published:/state/published:ro" in desk["volumes"]
    assert desk["env_file"] == ["desk.env"]
    assert desk["networks"] == ["page"]


def test_on_kubernetes_only_the_code_and_its_runs_get_the_secret() -> None:
    (deployment,) = HELM["dagster-user-deployments"]["deployments"]
    rest = {name: value for name, value in HELM.items() if name != "dagster-user-deployments"}

    assert deployment["envSecrets"] == [{"name": "centra-whistl-connection"}]
    assert deployment["includeConfigInLaunchedRuns"] == {"enabled": True}
    assert HELM["runLauncher"]["type"] == "K8sRunLauncher"
    assert "centra-whistl-connection" not in str(rest)
    assert HELM["telemetry"] == {"enabled": False}


def test_on_kubernetes_runs_are_limited_watched_and_repeated_as_everywhere_else() -> None:
    settings = yaml.safe_load((DEPLOY.parent / "dagster.yaml").read_text(encoding="utf-8"))
    daemon = HELM["dagsterDaemon"]
    queue = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    runs, pools = settings["concurrency"]["runs"], settings["concurrency"]["pools"]
    watched, repeated = settings["run_monitoring"], settings["run_retries"]

    assert queue["maxConcurrentRuns"] == runs["max_concurrent_runs"]
    assert [(each["key"], each["limit"]) for each in queue["tagConcurrencyLimits"]] == [
        (each["key"], each["limit"]) for each in runs["tag_concurrency_limits"]
    ]
    assert daemon["runMonitoring"] == {
        "enabled": watched["enabled"],
        "pollIntervalSeconds": watched["poll_interval_seconds"],
        "startTimeoutSeconds": watched["start_timeout_seconds"],
        "maxRuntimeSeconds": watched["max_runtime_seconds"],
    }
    assert daemon["runRetries"] == {
        "enabled": repeated["enabled"],
        "maxRetries": repeated["max_retries"],
        "retryOnAssetOrOpFailure": repeated["retry_on_asset_or_op_failure"],
    }
    limit = f"dagster instance concurrency set {POOL} {pools['default_limit']}"
    assert limit in (DEPLOY / "helm-values.yaml").read_text(encoding="utf-8")
