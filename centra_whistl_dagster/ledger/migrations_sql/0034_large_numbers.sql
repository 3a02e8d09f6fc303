-- Ids, sequences and counts of other systems may exceed 32 bits, in the later tables as in the first.
{postgresql} ALTER TABLE orders ALTER COLUMN stop_attempts TYPE BIGINT,
    ALTER COLUMN unlock_attempts TYPE BIGINT, ALTER COLUMN lock_attempts TYPE BIGINT;
{postgresql} ALTER TABLE order_lines ALTER COLUMN gone TYPE BIGINT;
{postgresql} ALTER TABLE messages ALTER COLUMN attempts TYPE BIGINT;
{postgresql} ALTER TABLE former_numbers ALTER COLUMN whistl_status_version TYPE BIGINT;
{postgresql} ALTER TABLE former_lines ALTER COLUMN line_number TYPE BIGINT,
    ALTER COLUMN line_id TYPE BIGINT, ALTER COLUMN quantity TYPE BIGINT;
{postgresql} ALTER TABLE failing_steps ALTER COLUMN alike TYPE BIGINT,
    ALTER COLUMN failures TYPE BIGINT;
{postgresql} ALTER TABLE failing_step_exceptions ALTER COLUMN exception_id TYPE BIGINT;
{postgresql} ALTER TABLE centra_shipment_lines ALTER COLUMN shipment_id TYPE BIGINT,
    ALTER COLUMN line_id TYPE BIGINT, ALTER COLUMN quantity TYPE BIGINT;
{postgresql} ALTER TABLE last_stock_writes ALTER COLUMN to_quantity TYPE BIGINT,
    ALTER COLUMN read_back TYPE BIGINT;
{postgresql} ALTER TABLE absent_skus ALTER COLUMN snapshots TYPE BIGINT;

-- The largest amount that is read has 15 digits before the point, and rounding may add one.
{postgresql} ALTER TABLE orders ALTER COLUMN grand_total TYPE NUMERIC(20, 2);
{postgresql} ALTER TABLE order_lines ALTER COLUMN unit_price TYPE NUMERIC(20, 2);
