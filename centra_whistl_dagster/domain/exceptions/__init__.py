"""What can be wrong, who fixes it by when, and which orders depend on it."""
