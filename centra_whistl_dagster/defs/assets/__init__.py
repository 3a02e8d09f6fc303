"""What this project keeps, as nouns named `system/thing`, each with its checks beside it.

The last part of each key is the name in the lineage graph, so no two assets share it.
"""
