-- An intent that no call has followed is known by its outcome, not by the sentence beside it.
UPDATE submissions SET outcome = 'looked_up_first', detail = 'after a gap in the ledger'
    WHERE outcome = 'unknown' AND detail = 'not sent: looked up first, after a gap in the ledger';

-- As in the register of exceptions.
ALTER TABLE alerts RENAME COLUMN tone TO severity;
