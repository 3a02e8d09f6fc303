"""The connection between a Centra store and a Whistl warehouse, run by Dagster.

Layers, each importing only what stands to its left::

    domain <- transport <- centra, whistl, ledger, history, screening, config_files, alerts
           <- settings <- workflows <- defs <- definitions, cli

`domain` has the rules and knows nothing of networks, files or clocks. `workflows` are the use
cases: plain functions that a test can call. `defs` shows them to Dagster. `simulator` plays both
outside systems; only the command line, the demo and the tests import it.
"""
