-- When each order was last compared with what Centra and Whistl show, and when its lock is due.
ALTER TABLE orders ADD COLUMN centra_checked_at TIMESTAMPTZ;
ALTER TABLE orders ADD COLUMN whistl_checked_at TIMESTAMPTZ;
ALTER TABLE orders ADD COLUMN lock_due_at TIMESTAMPTZ;

-- What is asked at every tick must not cost more as the ledger grows.
CREATE INDEX orders_by_centra_check ON orders (state, centra_checked_at);
CREATE INDEX orders_by_whistl_check ON orders (state, whistl_checked_at);
CREATE INDEX orders_unlocked ON orders (state) WHERE locked_at IS NULL;
CREATE INDEX orders_by_first_sight ON orders (first_seen_at);
CREATE INDEX orders_by_ordering ON orders (ordered_at);
CREATE INDEX orders_by_allocation ON orders (allocated_at);
CREATE INDEX orders_by_state_and_allocation ON orders (state, allocated_at);
CREATE INDEX orders_by_cancellation ON orders (cancelled_at);
CREATE INDEX orders_by_completion ON orders (completed_at);
CREATE INDEX parcels_by_completion ON parcels (completed_at);
CREATE INDEX exceptions_open_by_kind ON exceptions (kind) WHERE resolved_at IS NULL;

-- Ids, sequences and counts of other systems may exceed 32 bits. SQLite's integers hold 64.
{postgresql} ALTER TABLE orders ALTER COLUMN number TYPE BIGINT,
    ALTER COLUMN whistl_status_version TYPE BIGINT, ALTER COLUMN attempts TYPE BIGINT;
{postgresql} ALTER TABLE order_lines ALTER COLUMN line_number TYPE BIGINT,
    ALTER COLUMN line_id TYPE BIGINT, ALTER COLUMN quantity TYPE BIGINT,
    ALTER COLUMN not_found TYPE BIGINT, ALTER COLUMN wanted TYPE BIGINT;
{postgresql} ALTER TABLE order_events ALTER COLUMN number TYPE BIGINT;
{postgresql} ALTER TABLE despatches ALTER COLUMN version TYPE BIGINT,
    ALTER COLUMN sequence TYPE BIGINT;
{postgresql} ALTER TABLE parcels ALTER COLUMN parcel_number TYPE BIGINT,
    ALTER COLUMN centra_shipment_id TYPE BIGINT, ALTER COLUMN attempts TYPE BIGINT;
{postgresql} ALTER TABLE parcel_lines ALTER COLUMN parcel_number TYPE BIGINT,
    ALTER COLUMN line_number TYPE BIGINT, ALTER COLUMN line_id TYPE BIGINT,
    ALTER COLUMN quantity TYPE BIGINT;
{postgresql} ALTER TABLE exception_orders ALTER COLUMN exception_id TYPE BIGINT;
{postgresql} ALTER TABLE alerts ALTER COLUMN attempts TYPE BIGINT;
{postgresql} ALTER TABLE centra_sizes ALTER COLUMN product_size_id TYPE BIGINT;
{postgresql} ALTER TABLE stock_snapshots ALTER COLUMN row_count TYPE BIGINT;
{postgresql} ALTER TABLE stock_writes ALTER COLUMN product_size_id TYPE BIGINT,
    ALTER COLUMN from_quantity TYPE BIGINT, ALTER COLUMN to_quantity TYPE BIGINT,
    ALTER COLUMN whistl_available TYPE BIGINT, ALTER COLUMN units_held TYPE BIGINT,
    ALTER COLUMN units_left TYPE BIGINT, ALTER COLUMN buffer TYPE BIGINT,
    ALTER COLUMN read_back TYPE BIGINT;
