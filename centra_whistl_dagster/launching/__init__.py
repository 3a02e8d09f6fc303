"""Start and end Dagster's processes on this machine, for the demo and for `make dev`.

Belongs here: processes and where they listen. Does not belong here: what they are given to work on.
Nothing here listens beyond loopback.
"""
