-- Prices, both systems' statuses, totals of comparisons.
ALTER TABLE order_lines ADD COLUMN unit_price DECIMAL(14,2);
ALTER TABLE orders ADD COLUMN centra_status VARCHAR;
ALTER TABLE orders ADD COLUMN whistl_status VARCHAR;
ALTER TABLE stock_comparisons ADD COLUMN differing_units BIGINT;

CREATE TABLE sku_prices (
    sku VARCHAR NOT NULL,
    currency VARCHAR NOT NULL,
    unit_price DECIMAL(14,2) NOT NULL,
    priced_at TIMESTAMP WITH TIME ZONE NOT NULL
);

CREATE TABLE order_causes (
    order_number VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    subject_type VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    field VARCHAR NOT NULL,
    owner VARCHAR NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    linked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    freed_at TIMESTAMP WITH TIME ZONE
);

CREATE TABLE api_calls (
    hour TIMESTAMP WITH TIME ZONE NOT NULL,
    system VARCHAR NOT NULL,
    operation VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    calls BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    throttled BIGINT NOT NULL,
    milliseconds BIGINT NOT NULL
);

CREATE TABLE api_quota_use (
    hour TIMESTAMP WITH TIME ZONE NOT NULL,
    system VARCHAR NOT NULL,
    operation VARCHAR NOT NULL,
    resource VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    units BIGINT NOT NULL,
    allowed_units BIGINT
);

CREATE TABLE cadence_decisions (
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    does VARCHAR NOT NULL,
    minutes BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ticks BIGINT NOT NULL,
    requests_left BIGINT,
    mutations_left BIGINT
);

CREATE TABLE stock_positions (
    sku VARCHAR NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    oversold_before BIGINT NOT NULL,
    oversold_units BIGINT NOT NULL,
    withheld_before BIGINT NOT NULL,
    withheld_units BIGINT NOT NULL,
    unwritten_before BIGINT NOT NULL,
    unwritten_units BIGINT NOT NULL,
    was_sold_out_by_buffer BOOLEAN NOT NULL,
    is_sold_out_by_buffer BOOLEAN NOT NULL,
    demand_in_30_days BIGINT NOT NULL
);

CREATE TABLE comparison_units (
    snapshot_id VARCHAR NOT NULL,
    compared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    units BIGINT NOT NULL
);

CREATE TABLE comparison_causes (
    snapshot_id VARCHAR NOT NULL,
    cause VARCHAR NOT NULL,
    compared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    skus BIGINT NOT NULL,
    units BIGINT NOT NULL,
    units_without_sign BIGINT NOT NULL
);

-- Comparisons of before this file.
INSERT INTO comparison_causes
SELECT snapshot_id, cause, any_value(compared_at), count(*), sum(units), sum(abs(units))
FROM (UNPIVOT divergence ON in_flight, blocked, shipped_not_completed, other_channels, quarantine,
                            buffer, stale, clamped, one_side_only, unexplained
      INTO NAME cause VALUE units)
WHERE units <> 0 GROUP BY snapshot_id, cause;

CREATE TABLE service_targets (
    target VARCHAR NOT NULL,
    within_seconds BIGINT NOT NULL,
    wanted_percent BIGINT NOT NULL
);

CREATE TABLE days_to_summarise (
    summary VARCHAR NOT NULL,
    day TIMESTAMP WITH TIME ZONE NOT NULL
);

CREATE TABLE order_stage_days (
    day TIMESTAMP WITH TIME ZONE NOT NULL,
    stage VARCHAR NOT NULL,
    orders BIGINT NOT NULL,
    reached BIGINT NOT NULL,
    within_target BIGINT NOT NULL,
    p50_seconds BIGINT,
    p95_seconds BIGINT
);

CREATE TABLE carrier_days (
    day TIMESTAMP WITH TIME ZONE NOT NULL,
    carrier VARCHAR NOT NULL,
    service VARCHAR NOT NULL,
    parcels BIGINT NOT NULL,
    without_tracking BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    completed_within_target BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    p50_seconds_to_despatch BIGINT,
    p95_seconds_to_despatch BIGINT,
    p50_seconds_to_complete BIGINT,
    p95_seconds_to_complete BIGINT
);
