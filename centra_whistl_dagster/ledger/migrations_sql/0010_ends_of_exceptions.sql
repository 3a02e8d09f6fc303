-- What an exception is about, as it was last seen. Kept when a person closes the exception, so that the
-- same contents do not open it again; NULL once the cause is over.
ALTER TABLE exceptions ADD COLUMN contents TEXT;
-- Who closed an exception by hand, and why.
ALTER TABLE exceptions ADD COLUMN closed_by TEXT;
ALTER TABLE exceptions ADD COLUMN closed_note TEXT;
CREATE INDEX exceptions_closed_by_hand ON exceptions (subject, kind)
    WHERE resolved_at IS NOT NULL AND contents IS NOT NULL;

-- Steps (one asset's run, a sensor, a schedule) that have failed since they last succeeded.
CREATE TABLE failing_steps (
    step TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    alike INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    since TIMESTAMPTZ NOT NULL
);
-- The exceptions that such a step has opened. One of a whole system is shared by several steps, and
-- resolved once all of them have succeeded.
CREATE TABLE failing_step_exceptions (
    step TEXT NOT NULL,
    exception_id INTEGER NOT NULL,
    PRIMARY KEY (step, exception_id)
);
