"""Who is alerted to what, when, and over which channel.

`rules` decides, `messages` writes the text with what `endings` says last and the pages of `links`,
`addresses` chooses the channel, `delivery` and `channels` send. Nothing here depends on
Dagster or on the ledger.
"""
