"""Rules of stock: what Centra must hold, the buffer, how often to sync, which snapshots to use."""
