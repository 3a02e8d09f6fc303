"""Whistl, spoken to through the contract that the Whistl API's adapter must keep.

The API's own specification is not public; what is unconfirmed is a setting.
"""
