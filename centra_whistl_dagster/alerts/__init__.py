"""Who is told what, when, and over which channel.

`rules` decides, `messages` words, `addresses` says where to, `channels` hands over. Nothing here
knows of Dagster or of the ledger.
"""
