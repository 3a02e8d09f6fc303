"""The business rules: standard library and numpy only; no network, file, clock or randomness."""
