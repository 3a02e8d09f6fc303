"""The history in DuckDB, without personal data: orders, despatches, exceptions, stock, divergence.

SQL is used here and in `ledger`, nowhere else. One process writes at a time (`store`); analysts
open the published copy (`publish`) and never the live file. Everything can be built again from the
ledger and the archived stock files, so losing the last loads costs a reload and no data.

A new table is a class in `tables` or `stock_tables` and a migration: the check of the file, the
data dictionary and `Session.record` all follow from the class.
"""
