-- How far a snapshot of Whistl's stock had moved, measure by measure, as JSON; NULL where it was refused, released by a
-- person or judged by an earlier release, whose measures were others.
ALTER TABLE stock_snapshots ADD COLUMN movement TEXT;
ALTER TABLE stock_snapshots DROP COLUMN zeroed_share;
ALTER TABLE stock_snapshots DROP COLUMN drop_share;
ALTER TABLE stock_snapshots DROP COLUMN gap_seconds;
