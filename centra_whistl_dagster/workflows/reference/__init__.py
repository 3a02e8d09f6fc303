"""Catalogues and services of both systems, and whether they agree."""
