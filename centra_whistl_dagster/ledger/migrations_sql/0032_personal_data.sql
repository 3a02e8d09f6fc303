-- When a person's data was erased from an order on request; NULL where it was not.
ALTER TABLE orders ADD COLUMN erased_at TIMESTAMPTZ;

-- The key of one order's contents, encrypted with the master key that sealed_by names. Without its row nobody can read them.
CREATE TABLE order_keys (
    centra_id TEXT PRIMARY KEY,
    sealed_by TEXT NOT NULL,
    sealed_key TEXT NOT NULL
);
CREATE INDEX order_keys_by_master ON order_keys (sealed_by);
