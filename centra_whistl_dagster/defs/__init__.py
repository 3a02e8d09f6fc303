"""The workflows as Dagster shows and runs them: assets with their checks, jobs, sensors, schedules.

Each definition fetches, calls one workflow and reports what it did; no business rule lives here.
`definitions.py` loads every asset, check, job, sensor and schedule it finds in this package, so a
new one needs no registration. Dagster reads annotations when it loads these modules, so none of
them postpones annotations.
"""
