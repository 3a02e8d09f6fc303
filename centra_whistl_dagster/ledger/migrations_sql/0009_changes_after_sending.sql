-- A stop that Whistl is to be asked for has its own time, whatever a lock or a look-up waits for.
ALTER TABLE orders ADD COLUMN stop_for TEXT;
ALTER TABLE orders ADD COLUMN stop_due_at TIMESTAMPTZ;
ALTER TABLE orders ADD COLUMN stop_asked_at TIMESTAMPTZ;
ALTER TABLE orders ADD COLUMN stop_attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN former_active_at TIMESTAMPTZ;
ALTER TABLE orders ADD COLUMN unlock_due_at TIMESTAMPTZ;
ALTER TABLE orders ADD COLUMN unlock_attempts INTEGER NOT NULL DEFAULT 0;
CREATE INDEX orders_to_stop ON orders (stop_due_at) WHERE stop_due_at IS NOT NULL;
CREATE INDEX orders_locked ON orders (state) WHERE locked_at IS NOT NULL;
UPDATE orders SET stop_for = 'cancelled', stop_due_at = due_at
    WHERE cancel_wanted_at IS NOT NULL AND due_at IS NOT NULL
    AND state IN ('submitted', 'part_despatched');

-- Numbers that orders had at Whistl before their present one: never used again, and never forgotten.
CREATE TABLE former_numbers (
    whistl_number TEXT PRIMARY KEY,
    centra_id TEXT NOT NULL REFERENCES orders (centra_id),
    submitted_at TIMESTAMPTZ,
    allocated_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ NOT NULL,
    whistl_status TEXT,
    whistl_status_version INTEGER NOT NULL
);
CREATE INDEX former_numbers_by_order ON former_numbers (centra_id);
CREATE INDEX former_numbers_by_end ON former_numbers (ended_at);

-- What was sent under them, so that stock and later messages are read against the right lines.
CREATE TABLE former_lines (
    whistl_number TEXT NOT NULL REFERENCES former_numbers (whistl_number),
    line_number INTEGER NOT NULL,
    line_id INTEGER NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY (whistl_number, line_number)
);
