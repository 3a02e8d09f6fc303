"""The simulated Whistl: the contract's REST API over HTTP."""
