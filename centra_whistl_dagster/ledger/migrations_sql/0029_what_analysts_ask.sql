-- Which orders an exception held up, from when to when. `exception_orders` has only those it holds now.
CREATE TABLE order_causes (
    exception_id BIGINT NOT NULL,
    centra_id TEXT NOT NULL,
    linked_at TIMESTAMPTZ NOT NULL,
    freed_at TIMESTAMPTZ,
    PRIMARY KEY (exception_id, centra_id, linked_at)
);
CREATE INDEX order_causes_by_end ON order_causes (freed_at);
CREATE INDEX order_causes_open ON order_causes (centra_id) WHERE freed_at IS NULL;
INSERT INTO order_causes (exception_id, centra_id, linked_at)
    SELECT o.exception_id, o.centra_id, e.opened_at FROM exception_orders o JOIN exceptions e ON e.id = o.exception_id;

-- Calls to the other systems, counted by the hour.
CREATE TABLE api_calls (
    hour TIMESTAMPTZ NOT NULL,
    system TEXT NOT NULL,
    operation TEXT NOT NULL,
    calls BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    throttled BIGINT NOT NULL,
    milliseconds BIGINT NOT NULL,
    PRIMARY KEY (hour, system, operation)
);
-- What they took of each quota, and what we may take of it in an hour; NULL for no limit.
CREATE TABLE api_quota_use (
    hour TIMESTAMPTZ NOT NULL,
    system TEXT NOT NULL,
    operation TEXT NOT NULL,
    resource TEXT NOT NULL,
    units BIGINT NOT NULL,
    allowed_units BIGINT,
    PRIMARY KEY (hour, system, operation, resource)
);

-- Whether a minute was one for a stock sync, and why. Ticks in a row without a sync share a row.
CREATE TABLE cadence_decisions (
    decided_at TIMESTAMPTZ PRIMARY KEY,
    does TEXT NOT NULL,
    minutes BIGINT NOT NULL,
    reason TEXT NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    ticks BIGINT NOT NULL,
    requests_left BIGINT,
    mutations_left BIGINT
);
CREATE INDEX cadence_decisions_by_last_tick ON cadence_decisions (last_at);

-- Orders that ended here and that Centra showed as open when last read.
CREATE INDEX orders_ended_here ON orders (state_since)
    WHERE state = 'completed' AND centra_status NOT IN ('SHIPPED', 'ARCHIVED', 'CANCELLED');
