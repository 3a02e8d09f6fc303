"""The use cases, one a file: plain Python over the clients, the ledger and the rules.

A workflow may be run again at any moment, by two processes at once, and after a crash in the middle
of the last one: each effect has its intent written first, and each decision is taken anew from what
the ledger and the two systems say.
"""
