"""The simulated Whistl: Whistl's API as this project specifies it, over HTTP."""
