"""A trading day in a few minutes: both simulators, Dagster, and a scoreboard of the truth."""
