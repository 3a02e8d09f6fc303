"""A trading day in a few minutes: both simulators, Dagster, and a scoreboard of the truth.

Belongs here: starting and ending processes, watching them, judging the end. Does not belong here:
what the simulated people and warehouse do (`simulator`), and any part of the product.
"""
