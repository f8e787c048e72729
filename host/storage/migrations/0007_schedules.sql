-- When tasks start by themselves.

-- JSON. None: a person starts it.
ALTER TABLE task_revisions ADD COLUMN schedule TEXT;

-- Of a task that has a schedule: the revision that brought it, when that was, and up to when the
-- server has made runs of what came due.
ALTER TABLE tasks ADD COLUMN schedule_revision BIGINT;
ALTER TABLE tasks ADD COLUMN schedule_since BIGINT;
ALTER TABLE tasks ADD COLUMN schedule_done BIGINT;
CREATE INDEX task_scheduled ON tasks (id) WHERE schedule_since IS NOT NULL AND deleted_at IS NULL;

ALTER TABLE runs ADD COLUMN occurrence TEXT;
ALTER TABLE runs ADD COLUMN despite_windows BOOLEAN NOT NULL DEFAULT FALSE;
-- Devices in its scope, as its counts must sum to. None for runs of an older server.
ALTER TABLE runs ADD COLUMN total BIGINT;
-- Where the devices stand that have no row: pending, until the run is stopped or closed.
ALTER TABLE runs ADD COLUMN untouched TEXT NOT NULL DEFAULT 'pending';
UPDATE runs SET untouched = 'cancelled' WHERE state IN ('stopping', 'finished');
CREATE INDEX run_age ON runs (started_at) WHERE state <> 'finished';

-- A count below nothing is a mistake of ours, and no transaction that makes one is kept.
CREATE TABLE run_counts_checked (
    run   BIGINT NOT NULL,
    state TEXT   NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (run, state),
    CONSTRAINT run_count_negative CHECK (count >= 0)
);
INSERT INTO run_counts_checked SELECT run, state, count FROM run_counts;
DROP TABLE run_counts;
ALTER TABLE run_counts_checked RENAME TO run_counts;
-- Whoever hears of an occurrence first makes its run.
CREATE UNIQUE INDEX run_occurrence ON runs (task, occurrence) WHERE occurrence IS NOT NULL;

-- The number that a device gave to a run which it began by itself.
ALTER TABLE deliveries ADD COLUMN known_as BIGINT;
CREATE UNIQUE INDEX delivery_known_as ON deliveries (device, known_as) WHERE known_as IS NOT NULL;

-- Since when a device is in its group.
ALTER TABLE devices ADD COLUMN group_since BIGINT NOT NULL DEFAULT 0;
UPDATE devices SET group_since = enrolled_at;

-- What each device was told last of a task that it starts by itself; of task 0, of its windows. The
-- digest is empty where the device may not have heard it.
CREATE TABLE assignments (
    device    BIGINT  NOT NULL,
    task      BIGINT  NOT NULL,
    digest    TEXT    NOT NULL,
    sequence  BIGINT  NOT NULL,
    since     BIGINT,
    withdrawn BOOLEAN NOT NULL,
    PRIMARY KEY (device, task)
) WITHOUT ROWID;
CREATE INDEX assignment_task ON assignments (task) WHERE NOT withdrawn;

-- Up to which event schedules that answer to events were asked.
CREATE TABLE events_followed (
    one   BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    event BIGINT NOT NULL
);
INSERT INTO events_followed (one, event) SELECT 1, coalesce(max(id), 0) FROM events;
CREATE INDEX event_kind ON events (kind, id);

CREATE TABLE windows (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    group_id   BIGINT  NOT NULL,
    body       TEXT    NOT NULL,
    changed_at BIGINT  NOT NULL,
    changed_by TEXT    NOT NULL
);
CREATE UNIQUE INDEX window_name_taken ON windows (name);
CREATE INDEX window_group ON windows (group_id);
