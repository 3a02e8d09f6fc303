CREATE TABLE orders (
    centra_id TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    whistl_number TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    state_since TIMESTAMPTZ NOT NULL,
    centra_status TEXT NOT NULL,
    ordered_at TIMESTAMPTZ NOT NULL,
    centra_updated_at TIMESTAMPTZ NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    content_hash TEXT NOT NULL,
    shipping_option TEXT NOT NULL,
    country TEXT NOT NULL,
    postcode_area TEXT NOT NULL,
    currency TEXT NOT NULL,
    grand_total NUMERIC(14, 2) NOT NULL,
    screened_at TIMESTAMPTZ,
    screened_against TEXT,
    carrier_code TEXT,
    delivery_method TEXT,
    sent_hash TEXT,
    submitted_at TIMESTAMPTZ,
    locked_at TIMESTAMPTZ,
    whistl_order_id TEXT,
    whistl_status TEXT,
    whistl_status_version INTEGER NOT NULL DEFAULT 0,
    allocated_at TIMESTAMPTZ,
    despatched_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    cancel_wanted_at TIMESTAMPTZ,
    cancelled_at TIMESTAMPTZ,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at TIMESTAMPTZ
);
CREATE INDEX orders_by_state ON orders (state, due_at);

-- The only table with personal data. Rows are purged by retention; nothing else refers to their contents.
CREATE TABLE order_payloads (
    centra_id TEXT PRIMARY KEY REFERENCES orders (centra_id),
    received TEXT NOT NULL,
    outgoing TEXT,
    stored_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE order_lines (
    centra_id TEXT NOT NULL REFERENCES orders (centra_id),
    line_number INTEGER NOT NULL,
    line_id INTEGER NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    unit_price NUMERIC(14, 2) NOT NULL,
    PRIMARY KEY (centra_id, line_number)
);
CREATE INDEX order_lines_by_sku ON order_lines (sku);

CREATE TABLE order_events (
    id {identity},
    centra_id TEXT NOT NULL REFERENCES orders (centra_id),
    number INTEGER NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX order_events_by_order ON order_events (centra_id);

-- One row per attempt to create an order at Whistl: written before the call, settled after it.
CREATE TABLE submissions (
    id {identity},
    centra_id TEXT NOT NULL REFERENCES orders (centra_id),
    whistl_number TEXT NOT NULL,
    payload_hash TEXT NOT NULL,
    intent_at TIMESTAMPTZ NOT NULL,
    settled_at TIMESTAMPTZ,
    outcome TEXT,
    detail TEXT
);
CREATE INDEX submissions_by_order ON submissions (centra_id);

CREATE TABLE despatches (
    despatch_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    root_id TEXT NOT NULL,
    whistl_number TEXT NOT NULL,
    despatched_at TIMESTAMPTZ NOT NULL,
    is_order_complete BOOLEAN NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (despatch_id, version)
);
CREATE INDEX despatches_by_state ON despatches (state);
CREATE INDEX despatches_by_order ON despatches (whistl_number);
CREATE INDEX despatches_by_root ON despatches (root_id);

-- One row per parcel that Centra must come to know as a completed shipment.
CREATE TABLE parcels (
    despatch_id TEXT NOT NULL,
    parcel_number INTEGER NOT NULL,
    centra_id TEXT NOT NULL REFERENCES orders (centra_id),
    state TEXT NOT NULL,
    state_since TIMESTAMPTZ NOT NULL,
    carrier_name TEXT NOT NULL,
    service_name TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    despatched_at TIMESTAMPTZ NOT NULL,
    centra_shipment_id INTEGER,
    completed_at TIMESTAMPTZ,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at TIMESTAMPTZ,
    PRIMARY KEY (despatch_id, parcel_number)
);
CREATE INDEX parcels_by_state ON parcels (state, due_at);
CREATE INDEX parcels_by_order ON parcels (centra_id);

CREATE TABLE parcel_lines (
    despatch_id TEXT NOT NULL,
    parcel_number INTEGER NOT NULL,
    line_number INTEGER NOT NULL,
    line_id INTEGER NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY (despatch_id, parcel_number, line_number)
);

CREATE TABLE exceptions (
    id {identity},
    kind TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    message TEXT NOT NULL,
    owner TEXT NOT NULL,
    severity TEXT NOT NULL,
    opened_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    escalated_at TIMESTAMPTZ,
    resolved_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX one_open_exception_per_cause
    ON exceptions (kind, subject_type, subject, field) WHERE resolved_at IS NULL;

-- Which orders an exception keeps, or concerns: it is resolved when none is left.
CREATE TABLE exception_orders (
    exception_id INTEGER NOT NULL,
    centra_id TEXT NOT NULL REFERENCES orders (centra_id),
    PRIMARY KEY (exception_id, centra_id)
);
CREATE INDEX exception_orders_by_order ON exception_orders (centra_id);

CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE whistl_services (
    carrier_code TEXT NOT NULL,
    delivery_method TEXT NOT NULL,
    body TEXT NOT NULL,
    is_active BOOLEAN NOT NULL,
    PRIMARY KEY (carrier_code, delivery_method)
);

CREATE TABLE whistl_products (
    sku TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    is_active BOOLEAN NOT NULL
);

CREATE TABLE centra_sizes (
    product_size_id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL,
    is_active BOOLEAN NOT NULL
);

CREATE TABLE stock_snapshots (
    snapshot_id TEXT PRIMARY KEY,
    taken_at TIMESTAMPTZ NOT NULL,
    read_at TIMESTAMPTZ NOT NULL,
    row_count INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    file TEXT NOT NULL,
    zeroed_share REAL,
    drop_share REAL,
    gap_seconds REAL
);

-- One row per quantity sent to Centra: written before the call, settled after it.
CREATE TABLE stock_writes (
    id {identity},
    sku TEXT NOT NULL,
    product_size_id INTEGER NOT NULL,
    snapshot_id TEXT NOT NULL,
    from_quantity INTEGER NOT NULL,
    to_quantity INTEGER NOT NULL,
    whistl_available INTEGER NOT NULL,
    units_held INTEGER NOT NULL,
    units_left INTEGER NOT NULL,
    buffer INTEGER NOT NULL,
    intent_at TIMESTAMPTZ NOT NULL,
    settled_at TIMESTAMPTZ,
    outcome TEXT,
    read_back INTEGER
);
CREATE INDEX stock_writes_by_sku ON stock_writes (sku);

-- SKUs that fall together when case, spaces or punctuation are dropped; found whenever the catalogues are read.
CREATE TABLE sku_collisions (
    sku TEXT PRIMARY KEY,
    others TEXT NOT NULL
);

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until TIMESTAMPTZ NOT NULL
);
