"""A small Centra and a small Whistl on loopback, sharing one world: for the demo, tests and drills.

The product does not import this: it calls the simulators as it would call the real systems.
"""
