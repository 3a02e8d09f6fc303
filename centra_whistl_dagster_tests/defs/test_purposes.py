"""An alert about any job, sensor or schedule can say what its failure means for the business."""

from __future__ import annotations

import dagster as dg
import pytest

from centra_whistl_dagster.alerts.messages import LINE_CHARACTERS
from centra_whistl_dagster.definitions import defs
from centra_whistl_dagster.defs.purposes import PURPOSES, Purpose, purpose_of


def test_every_job_sensor_and_schedule_has_a_purpose_and_nothing_else_has() -> None:
    definitions = defs()
    assert isinstance(definitions, dg.Definitions)
    repository = definitions.get_repository_def()
    names = {
        *(name for name in repository.job_names if not name.startswith("__")),
        *(sensor.name for sensor in repository.sensor_defs),
        *(schedule.name for schedule in repository.schedule_defs),
    }

    assert set(PURPOSES) == names


@pytest.mark.parametrize("purpose", PURPOSES.values(), ids=list(PURPOSES))
def test_a_purpose_fits_an_alert_and_is_made_of_sentences(purpose: Purpose) -> None:
    assert purpose.does[0].isupper()
    assert not purpose.does.endswith(".")
    assert purpose.while_failing.endswith(".")
    assert len(purpose.while_failing) <= LINE_CHARACTERS


def test_of_an_unknown_job_only_the_name_is_said() -> None:
    assert purpose_of("new_job") == Purpose(does="The work of new_job", while_failing="")
