"""What really happened, from the simulated systems' own state and nothing of the product's."""
