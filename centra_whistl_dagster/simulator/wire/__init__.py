"""HTTP on loopback, and what goes wrong on the way."""
