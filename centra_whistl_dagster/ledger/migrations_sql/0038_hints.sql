-- Orders that Centra has announced by itself: a reason to poll at once, never a source of facts. Nothing else of what
-- Centra sent is kept.
CREATE TABLE order_hints (
    number BIGINT NOT NULL,
    source TEXT NOT NULL,
    -- By Centra's clock: when the push was signed, when the event happened.
    made_at TIMESTAMPTZ NOT NULL,
    -- By ours: when the first reached us, and the last.
    first_announced_at TIMESTAMPTZ NOT NULL,
    announced_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (number, source)
);
CREATE INDEX order_hints_by_arrival ON order_hints (announced_at);
