-- When its owner was last alerted that a check, job or sensor turned red or green; NULL where that was before
-- this column.
ALTER TABLE watched ADD COLUMN told_at TIMESTAMPTZ;

-- What a person wrote about a decision, and the person's name: free text that stays in the ledger. What the
-- history gets is the reason.
ALTER TABLE order_events ADD COLUMN note TEXT;
