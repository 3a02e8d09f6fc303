"""Shipments back: despatch messages from Whistl, and the shipments in Centra they complete."""
