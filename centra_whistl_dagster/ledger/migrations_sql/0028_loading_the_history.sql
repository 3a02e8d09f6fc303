-- The history is loaded every two minutes by when rows changed. Without these, each load reads every
-- order and parcel that ever was.
CREATE INDEX orders_by_last_move ON orders (state_since);
CREATE INDEX orders_by_last_check_in_centra ON orders (centra_checked_at);
CREATE INDEX orders_by_last_check_at_whistl ON orders (whistl_checked_at);
CREATE INDEX order_events_by_time ON order_events (at);
CREATE INDEX exceptions_by_resolution ON exceptions (resolved_at);
CREATE INDEX parcels_by_last_move ON parcels (state_since);
CREATE INDEX despatches_by_reading ON despatches (received_at);
CREATE INDEX stock_writes_by_intent ON stock_writes (intent_at);
CREATE INDEX stock_writes_by_settlement ON stock_writes (settled_at);
