"""How a stock policy would have fared on real orders, by the code that runs in production."""
