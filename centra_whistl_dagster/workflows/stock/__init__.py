"""Stock: snapshots judged, reconciled with our orders, written to Centra, compared."""
