"""Start and end Dagster's processes on this machine, for the demo and for `make dev`.

Nothing here listens beyond loopback.
"""
