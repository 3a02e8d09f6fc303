"""Catalogues and services of both systems, and whether they fit each other."""
