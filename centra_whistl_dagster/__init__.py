"""The connection between a Centra store and a Whistl warehouse, run by Dagster.

Layers, each importing only what stands to its left::

    domain <- screening, transport <- centra, whistl, ledger, history
           <- workflows <- defs <- definitions, cli

`domain` holds the rules and knows nothing of networks, files or clocks. `workflows` are the use
cases, plain functions a test can call. `defs` shows them to Dagster. `simulator` plays both outside
systems and is imported by the command line and the tests only.
"""
