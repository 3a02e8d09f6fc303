"""The one truth that both simulated systems show a side of, and the building's people."""
