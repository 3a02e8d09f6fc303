-- What people have been told of an exception: nothing, opened, escalated, or closed.
ALTER TABLE exceptions ADD COLUMN told TEXT NOT NULL DEFAULT 'nothing';
CREATE INDEX exceptions_to_tell ON exceptions (told) WHERE told <> 'closed';
CREATE INDEX exceptions_open ON exceptions (owner, opened_at) WHERE resolved_at IS NULL;

-- The outbox. A row is written together with the mark of what it tells, and kept when it was sent.
CREATE TABLE alerts (
    id {identity},
    cause TEXT NOT NULL,
    owner TEXT NOT NULL,
    channel TEXT NOT NULL,
    tone TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    sent_at TIMESTAMPTZ,
    sent_by TEXT,
    last_error TEXT
);
CREATE INDEX alerts_unsent ON alerts (due_at) WHERE sent_at IS NULL;
CREATE INDEX alerts_by_time ON alerts (created_at);

-- Checks, jobs and sensors that are, or have been, red: what was last told of each.
CREATE TABLE watched (
    name TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    owner TEXT NOT NULL,
    is_told_red BOOLEAN NOT NULL,
    last_red_at TIMESTAMPTZ NOT NULL
);
