"""The workflows as Dagster shows and runs them: assets, checks, jobs, sensors, schedules.

Each definition fetches, calls one workflow, and tells what came of it; no rule lives here. Dagster
reads annotations when it loads these modules, so none of them postpones annotations.
"""
