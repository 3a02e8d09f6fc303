"""What happened, for ever, in DuckDB, without personal data: orders, despatches, stock, divergence.

SQL is spoken here and in `ledger`, nowhere else. One process writes at a time (`store`); analysts
open the published copy (`publish`) and never the live file. Everything here can be built again from
the ledger and the archived stock files, so a lost tail is a reload and not a loss.
"""
