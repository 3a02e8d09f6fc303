"""How a stock policy would have performed on past orders, with the code that runs in production."""
