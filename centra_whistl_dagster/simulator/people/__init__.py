"""Shoppers and staff of the simulated world."""
