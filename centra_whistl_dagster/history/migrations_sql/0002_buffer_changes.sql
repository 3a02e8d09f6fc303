CREATE TABLE buffer_changes (
    sku VARCHAR NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    from_units BIGINT NOT NULL,
    to_units BIGINT NOT NULL,
    reason VARCHAR NOT NULL
);
