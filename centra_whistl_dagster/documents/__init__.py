"""Documents that are generated from configuration and code, wholly or in part."""
