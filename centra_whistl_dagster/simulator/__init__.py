"""A small Centra and a small Whistl on loopback, sharing one world: for the demo, tests and drills.

Nothing in the product imports this: it talks to the simulators as it would to the real systems.
"""
