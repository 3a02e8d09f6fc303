-- When its owner was last alerted that a check, job or sensor turned red or green; NULL where that was before
-- this column.
ALTER TABLE watched ADD COLUMN told_at TIMESTAMPTZ;

-- What a person wrote about a decision, and the person's name: free text that stays in the ledger. What the
-- history gets is the reason.
ALTER TABLE order_events ADD COLUMN note TEXT;
UPDATE order_events SET note = reason, reason = 'tried again by hand'
    WHERE substr(reason, 1, 24) = 'to be tried again, says ';
UPDATE order_events SET note = reason, reason = 'accepted as ours by hand'
    WHERE substr(reason, 1, 20) = 'accepted as ours by ';
