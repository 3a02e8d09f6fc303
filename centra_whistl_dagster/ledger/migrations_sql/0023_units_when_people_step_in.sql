-- When Whistl put back what it had set aside for an order, as far as its statuses show: from then on the units are in
-- its `available` again, whatever becomes of the order.
ALTER TABLE orders ADD COLUMN given_back_at TIMESTAMPTZ;
CREATE INDEX orders_by_state_since ON orders (state, state_since);

-- Centra's own shipped shipments of orders that Whistl has, whoever made them: one row per line of each.
CREATE TABLE centra_shipment_lines (
    shipment_id INTEGER NOT NULL,
    line_id INTEGER NOT NULL,
    centra_id TEXT NOT NULL REFERENCES orders (centra_id),
    quantity INTEGER NOT NULL,
    PRIMARY KEY (shipment_id, line_id)
);
CREATE INDEX centra_shipment_lines_by_order ON centra_shipment_lines (centra_id);

-- The last quantity of each SKU that Centra answered for: all writes are read no more to find it.
CREATE TABLE last_stock_writes (
    sku TEXT PRIMARY KEY,
    settled_at TIMESTAMPTZ NOT NULL,
    to_quantity INTEGER NOT NULL,
    read_back INTEGER NOT NULL
);
INSERT INTO last_stock_writes (sku, settled_at, to_quantity, read_back)
    SELECT sku, settled_at, to_quantity, read_back FROM stock_writes
    WHERE id IN (SELECT max(id) FROM stock_writes WHERE read_back IS NOT NULL GROUP BY sku);
CREATE INDEX parcel_lines_by_sku ON parcel_lines (sku);

-- SKUs that complete snapshots do not list any more, since when, and in how many of them.
CREATE TABLE absent_skus (
    sku TEXT PRIMARY KEY,
    absent_since TIMESTAMPTZ NOT NULL,
    last_taken_at TIMESTAMPTZ NOT NULL,
    snapshots INTEGER NOT NULL
);
