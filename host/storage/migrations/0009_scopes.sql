-- Scopes by saved selections, by kind of device, and such that runs follow.

ALTER TABLE tasks ADD COLUMN selection BIGINT;
ALTER TABLE tasks ADD COLUMN only_kind TEXT;
ALTER TABLE tasks ADD COLUMN following BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX task_selection ON tasks (selection) WHERE selection IS NOT NULL AND deleted_at IS NULL;

-- Who is in a selection that something is for, and since when. Nothing is kept of one that nothing is for.
ALTER TABLE selections ADD COLUMN followed_since BIGINT;
CREATE TABLE selection_members (
    selection BIGINT NOT NULL,
    device    BIGINT NOT NULL,
    since     BIGINT NOT NULL,
    PRIMARY KEY (selection, device)
) WITHOUT ROWID;

-- A window is for a group or for a selection.
CREATE TABLE windows_of_sets (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    group_id   BIGINT,
    selection  BIGINT,
    body       TEXT    NOT NULL,
    changed_at BIGINT  NOT NULL,
    changed_by TEXT    NOT NULL,
    CONSTRAINT window_for_one CHECK ((group_id IS NULL) <> (selection IS NULL))
);
INSERT INTO windows_of_sets (id, name, group_id, body, changed_at, changed_by)
    SELECT id, name, group_id, body, changed_at, changed_by FROM windows;
DROP TABLE windows;
ALTER TABLE windows_of_sets RENAME TO windows;
CREATE UNIQUE INDEX window_name_taken ON windows (name);
CREATE INDEX window_group ON windows (group_id);
CREATE INDEX window_selection ON windows (selection) WHERE selection IS NOT NULL;
