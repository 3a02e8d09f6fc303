"""The one truth of which both simulated systems show a side, and what happens in the warehouse."""
