-- Who works on an exception, and until when it is out of sight in the desk's worklist.
CREATE TABLE exception_work (
    exception_id BIGINT PRIMARY KEY,
    taken_by TEXT,
    taken_at TIMESTAMPTZ,
    snoozed_by TEXT,
    snoozed_until TIMESTAMPTZ
);

-- What people did at the desk. Rows are added and never changed, but for notes, which retention empties.
CREATE TABLE desk_actions (
    id {identity},
    at TIMESTAMPTZ NOT NULL,
    who TEXT NOT NULL,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject TEXT NOT NULL,
    note TEXT NOT NULL,
    result TEXT NOT NULL
);
CREATE INDEX desk_actions_by_subject ON desk_actions (subject_type, subject);

-- Which exceptions an alert reported.
CREATE TABLE alert_exceptions (
    exception_id BIGINT NOT NULL,
    alert_id BIGINT NOT NULL,
    PRIMARY KEY (exception_id, alert_id)
);

-- The release of a refused stock feed that a second person has to confirm.
CREATE TABLE release_requests (
    snapshot_id TEXT PRIMARY KEY,
    asked_by TEXT NOT NULL,
    asked_at TIMESTAMPTZ NOT NULL,
    reason TEXT NOT NULL
);

-- When each step (one asset's run, a sensor, a schedule) last did its work.
CREATE TABLE step_successes (
    step TEXT PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL
);

CREATE INDEX exceptions_by_subject ON exceptions (subject, subject_type);
CREATE INDEX parcels_by_tracking ON parcels (tracking_number) WHERE tracking_number <> '';
CREATE INDEX orders_by_submission ON orders (submitted_at) WHERE submitted_at IS NOT NULL;
