"""What can be wrong, who fixes it by when, and what hangs on it."""
