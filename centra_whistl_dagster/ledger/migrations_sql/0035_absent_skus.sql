-- How many snapshots a SKU was missing from says enough; nothing ever asked since when.
ALTER TABLE absent_skus DROP COLUMN absent_since;
