-- What devices' users may do with tasks, and what they asked for.

-- What a group says; what is null is inherited.
CREATE TABLE user_policies (
    group_id BIGINT NOT NULL PRIMARY KEY,
    tasks    BOOLEAN,
    starts   BOOLEAN
);

-- Every state that a task was in, so that edits from a device can be merged with what came after the state
-- that the device knew. A revision has settings and schedule; name and time limit change without one.
CREATE TABLE task_versions (
    task       BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    time_limit BIGINT NOT NULL,
    revision   BIGINT NOT NULL,
    -- The device whose user made it; null: an administrator, or the server.
    device     BIGINT,
    PRIMARY KEY (task, version)
) WITHOUT ROWID;
INSERT INTO task_versions (task, version, name, time_limit, revision)
    SELECT id, 1, name, time_limit, revision FROM tasks;

-- What devices' users asked for, for good: what an administrator's change took the place of is here too.
CREATE TABLE user_edits (
    place       INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT   NOT NULL,
    device      BIGINT NOT NULL,
    task        BIGINT,            -- as soon as it is known
    username    TEXT   NOT NULL,
    body        TEXT   NOT NULL,   -- JSON
    made_at     BIGINT NOT NULL,   -- by the device's clock
    came_at     BIGINT NOT NULL,
    outcome     TEXT,              -- JSON; null while it waits
    answered_at BIGINT,
    sequence    BIGINT,            -- under which the device was told
    told        BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE UNIQUE INDEX user_edit_id ON user_edits (id);
CREATE INDEX user_edit_open ON user_edits (place) WHERE outcome IS NULL;
CREATE INDEX user_edit_untold ON user_edits (device) WHERE NOT told AND outcome IS NOT NULL;
CREATE INDEX user_edit_task ON user_edits (task, device);
CREATE INDEX task_created_by ON tasks (device) WHERE kind = 'local' AND deleted_at IS NULL;
