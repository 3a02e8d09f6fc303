-- When a person's data was erased from an order on request; NULL where it was not.
ALTER TABLE orders ADD COLUMN erased_at TIMESTAMPTZ;
