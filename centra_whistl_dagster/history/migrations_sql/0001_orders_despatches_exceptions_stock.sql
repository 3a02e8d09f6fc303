CREATE TABLE orders (
    order_number VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    state_since TIMESTAMP WITH TIME ZONE NOT NULL,
    country VARCHAR NOT NULL,
    postcode_area VARCHAR NOT NULL,
    currency VARCHAR NOT NULL,
    grand_total DECIMAL(14,2) NOT NULL,
    units BIGINT NOT NULL,
    line_count BIGINT NOT NULL,
    shipping_option VARCHAR NOT NULL,
    carrier_code VARCHAR,
    delivery_method VARCHAR,
    attempts BIGINT NOT NULL,
    ordered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    screened_at TIMESTAMP WITH TIME ZONE,
    submitted_at TIMESTAMP WITH TIME ZONE,
    allocated_at TIMESTAMP WITH TIME ZONE,
    despatched_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    cancelled_at TIMESTAMP WITH TIME ZONE
);

CREATE TABLE order_lines (
    order_number VARCHAR NOT NULL,
    line_number BIGINT NOT NULL,
    sku VARCHAR NOT NULL,
    quantity BIGINT NOT NULL
);

CREATE TABLE order_events (
    order_number VARCHAR NOT NULL,
    from_state VARCHAR,
    state VARCHAR NOT NULL,
    moved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reason VARCHAR NOT NULL
);

CREATE TABLE despatches (
    despatch_id VARCHAR NOT NULL,
    version BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    supersedes VARCHAR,
    order_number VARCHAR NOT NULL,
    despatched_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    is_order_complete BOOLEAN NOT NULL,
    short_units BIGINT NOT NULL
);

CREATE TABLE parcels (
    despatch_id VARCHAR NOT NULL,
    parcel_number BIGINT NOT NULL,
    order_number VARCHAR NOT NULL,
    carrier_name VARCHAR NOT NULL,
    service_name VARCHAR NOT NULL,
    has_tracking BOOLEAN NOT NULL,
    state VARCHAR NOT NULL,
    despatched_at TIMESTAMP WITH TIME ZONE NOT NULL,
    completed_at TIMESTAMP WITH TIME ZONE,
    attempts BIGINT NOT NULL
);

CREATE TABLE parcel_lines (
    despatch_id VARCHAR NOT NULL,
    parcel_number BIGINT NOT NULL,
    line_number BIGINT NOT NULL,
    sku VARCHAR NOT NULL,
    quantity BIGINT NOT NULL
);

CREATE TABLE exceptions (
    kind VARCHAR NOT NULL,
    subject_type VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    field VARCHAR NOT NULL,
    owner VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    resolved_at TIMESTAMP WITH TIME ZONE
);

CREATE TABLE stock_snapshots (
    system VARCHAR NOT NULL,
    snapshot_id VARCHAR NOT NULL,
    taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    is_complete BOOLEAN NOT NULL,
    verdict VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    row_count BIGINT NOT NULL,
    changed_count BIGINT,
    absent_count BIGINT,
    emptied_count BIGINT,
    sellable_units BIGINT
);

CREATE TABLE stock_levels (
    sku VARCHAR NOT NULL,
    on_hand BIGINT,
    allocated BIGINT,
    quarantined BIGINT,
    available BIGINT,
    is_present BOOLEAN NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE,
    snapshot_id VARCHAR NOT NULL
);

CREATE TABLE centra_levels (
    sku VARCHAR NOT NULL,
    physical BIGINT,
    allocated BIGINT,
    free BIGINT,
    is_present BOOLEAN NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE,
    snapshot_id VARCHAR NOT NULL
);

CREATE TABLE stock_updates (
    sku VARCHAR NOT NULL,
    snapshot_id VARCHAR NOT NULL,
    intended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    from_physical BIGINT,
    to_physical BIGINT NOT NULL,
    whistl_available BIGINT NOT NULL,
    units_held BIGINT NOT NULL,
    units_left BIGINT NOT NULL,
    buffer BIGINT NOT NULL,
    outcome VARCHAR,
    read_back BIGINT
);

CREATE TABLE stock_comparisons (
    snapshot_id VARCHAR NOT NULL,
    compared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sku_count BIGINT NOT NULL,
    differing_count BIGINT NOT NULL,
    unexplained_count BIGINT NOT NULL,
    unexplained_units BIGINT NOT NULL
);

CREATE TABLE divergence (
    sku VARCHAR NOT NULL,
    snapshot_id VARCHAR NOT NULL,
    compared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expected BIGINT NOT NULL,
    actual BIGINT NOT NULL,
    difference BIGINT NOT NULL,
    in_flight BIGINT NOT NULL,
    blocked BIGINT NOT NULL,
    shipped_not_completed BIGINT NOT NULL,
    other_channels BIGINT NOT NULL,
    quarantine BIGINT NOT NULL,
    buffer BIGINT NOT NULL,
    stale BIGINT NOT NULL,
    clamped BIGINT NOT NULL,
    one_side_only BIGINT NOT NULL,
    unexplained BIGINT NOT NULL
);

CREATE TABLE loads (
    load_id BIGINT NOT NULL,
    table_name VARCHAR NOT NULL,
    loaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    read_count BIGINT NOT NULL,
    written_count BIGINT NOT NULL,
    unchanged_count BIGINT NOT NULL,
    skipped_count BIGINT NOT NULL,
    failed_count BIGINT NOT NULL,
    removed_count BIGINT NOT NULL
);
