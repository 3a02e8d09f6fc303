-- One row for each time that the ledger was found not to be the unbroken continuation of itself: at its first start,
-- after a backup was restored, after nobody had kept it alive for a while.
CREATE TABLE generations (
    id {identity},
    token TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL,
    began_at TIMESTAMPTZ NOT NULL,
    -- Up to when the ledger surely had everything that was sent; NULL where nothing says so.
    last_known_at TIMESTAMPTZ,
    alive_at TIMESTAMPTZ NOT NULL,
    -- When Whistl is to be asked next for orders that the ledger does not know; NULL once that is over.
    sweep_due_at TIMESTAMPTZ,
    parcels_checked_at TIMESTAMPTZ,
    accounted_for_at TIMESTAMPTZ
);
