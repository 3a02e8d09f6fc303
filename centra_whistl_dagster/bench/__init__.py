"""How fast the parts are that a large brand would notice. `make bench` runs it.

Belongs here: the loads, the timing and the table. Does not belong here: a verdict on correctness,
which is the tests', and any time limit inside a test.
"""
