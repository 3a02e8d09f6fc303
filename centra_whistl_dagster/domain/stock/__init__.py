"""Rules of stock: what Centra must hold, what is held back, how often to look, whom to believe."""
