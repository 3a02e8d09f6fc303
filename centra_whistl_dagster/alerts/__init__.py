"""Who is alerted to what, when, and over which channel.

`rules` decides, `endings` holds how each kind ends, `messages` writes the text, `addresses` chooses
the channel, `delivery` and `channels` send. Nothing here depends on Dagster or on the ledger.
"""
