-- Times are milliseconds since 1970 in UTC. Digests are text, `sha256:` and 64 digits. JSON is text.
-- No foreign keys from hot tables. Constraints are named after the error that they become.

CREATE TABLE groups (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    parent  BIGINT,
    name    TEXT    NOT NULL,
    CONSTRAINT group_name_taken UNIQUE (parent, name)
);
INSERT INTO groups (id, parent, name) VALUES (1, NULL, '');

CREATE TABLE devices (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT    NOT NULL,
    group_id     BIGINT  NOT NULL,
    facts        TEXT    NOT NULL,
    applications TEXT    NOT NULL,
    certificate  TEXT    NOT NULL,
    enrolled_at  BIGINT  NOT NULL,
    last_seen    BIGINT,
    removed_at   BIGINT
);
CREATE UNIQUE INDEX device_name_taken ON devices (name) WHERE removed_at IS NULL;
CREATE INDEX device_group ON devices (group_id) WHERE removed_at IS NULL;

-- Where the two counters of a link stand: news taken from the device, orders given to it.
CREATE TABLE device_links (
    device       BIGINT PRIMARY KEY,
    store        TEXT   NOT NULL,
    acknowledged BIGINT NOT NULL,
    last_order   BIGINT NOT NULL,
    is_open      BOOLEAN NOT NULL
);

CREATE TABLE enrollment_tokens (
    digest      TEXT   PRIMARY KEY,
    group_id    BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    used_by     BIGINT,
    used_key    TEXT
);

CREATE TABLE administrator_tokens (
    digest     TEXT   PRIMARY KEY,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE plugins (
    application  TEXT   NOT NULL,
    digest       TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    reason       TEXT,
    description  TEXT   NOT NULL,
    size         BIGINT NOT NULL,
    installed_at BIGINT NOT NULL,
    installed_by TEXT   NOT NULL,
    CONSTRAINT plugin_known PRIMARY KEY (application, digest)
);
-- One plug-in speaks for an application at a time.
CREATE UNIQUE INDEX plugin_current ON plugins (application) WHERE state IN ('active', 'failed');

CREATE TABLE tasks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL,
    application TEXT    NOT NULL,
    task_type   TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    device      BIGINT,
    group_id    BIGINT,
    subgroups   BOOLEAN,
    excluded    TEXT,
    devices     BLOB,
    time_limit  BIGINT  NOT NULL,
    revision    BIGINT  NOT NULL,
    created_at  BIGINT  NOT NULL,
    created_by  TEXT    NOT NULL,
    deleted_at  BIGINT
);
CREATE INDEX task_application ON tasks (application) WHERE deleted_at IS NULL;

CREATE TABLE task_revisions (
    task           BIGINT NOT NULL,
    number         BIGINT NOT NULL,
    settings       TEXT   NOT NULL,
    schema_version BIGINT NOT NULL,
    plugin         TEXT   NOT NULL,
    needs          TEXT   NOT NULL,
    exclusive      BOOLEAN NOT NULL,
    findings       TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    created_by     TEXT   NOT NULL,
    PRIMARY KEY (task, number)
);

CREATE TABLE runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    task        BIGINT  NOT NULL,
    revision    BIGINT  NOT NULL,
    state       TEXT    NOT NULL,
    targets     BLOB    NOT NULL,
    started_at  BIGINT  NOT NULL,
    started_by  TEXT    NOT NULL,
    finished_at BIGINT
);
CREATE INDEX run_task ON runs (task);
CREATE INDEX run_open ON runs (id) WHERE state <> 'finished';

-- How many deliveries of a run are in which state; kept by difference.
CREATE TABLE run_counts (
    run   BIGINT NOT NULL,
    state TEXT   NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (run, state)
);

-- A row exists from first contact on.
CREATE TABLE deliveries (
    run           BIGINT  NOT NULL,
    device        BIGINT  NOT NULL,
    state         TEXT    NOT NULL,
    cause         TEXT,
    wanted        TEXT    NOT NULL,
    ordered       TEXT,
    sequence      BIGINT,
    command       TEXT,
    summary       TEXT,
    needs_restart BOOLEAN NOT NULL,
    changed_at    BIGINT  NOT NULL,
    final         BOOLEAN NOT NULL,
    PRIMARY KEY (run, device)
) WITHOUT ROWID;
CREATE INDEX delivery_open ON deliveries (device) WHERE NOT final;

-- What a device said came of a delivery, as it said it.
CREATE TABLE reports (
    run         BIGINT NOT NULL,
    device      BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    PRIMARY KEY (run, device)
);

CREATE TABLE commands (
    hash TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          BIGINT  NOT NULL,
    kind        TEXT    NOT NULL,
    severity    TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    application TEXT,
    device      BIGINT,
    group_id    BIGINT,
    task        BIGINT,
    run         BIGINT,
    happened_at BIGINT,
    fields      TEXT    NOT NULL
);
CREATE INDEX event_task ON events (task, id) WHERE task IS NOT NULL;
CREATE INDEX event_device ON events (device, id) WHERE device IS NOT NULL;
CREATE INDEX event_run ON events (run, id) WHERE run IS NOT NULL;
