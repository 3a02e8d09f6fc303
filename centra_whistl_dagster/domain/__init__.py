"""The business rules. Standard library only; no network, no file, no clock, no randomness."""
