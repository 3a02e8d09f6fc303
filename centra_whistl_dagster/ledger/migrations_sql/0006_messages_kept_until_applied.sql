-- Every message of a feed as it came, whatever it looked like. The body is dropped once the message is applied: it may
-- hold what nobody asked for, personal data included. The hash stays, so that a repeat is known by its contents.
CREATE TABLE messages (
    id {identity},
    feed TEXT NOT NULL,
    message_id TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    sequence BIGINT,
    read_after BIGINT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    state TEXT NOT NULL,
    body TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX one_message_per_contents ON messages (feed, content_hash);
CREATE INDEX messages_by_state ON messages (feed, state, due_at);

ALTER TABLE despatches ADD COLUMN content_hash TEXT;
CREATE INDEX despatches_by_sequence ON despatches (sequence);

-- Units of a line that Whistl's order view shows as despatched; NULL before it was ever read.
ALTER TABLE order_lines ADD COLUMN gone INTEGER;
-- Since when Whistl has said that more of the order has left than its despatch messages account for.
ALTER TABLE orders ADD COLUMN despatch_awaited_since TIMESTAMPTZ;
CREATE INDEX orders_awaiting_a_despatch ON orders (despatch_awaited_since) WHERE despatch_awaited_since IS NOT NULL;
