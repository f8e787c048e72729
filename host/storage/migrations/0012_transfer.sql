-- Where revisions of tasks came from, and what was applied from files.

-- JSON: by what way, from which address, by which program, and why. None: an older server wrote it.
ALTER TABLE task_revisions ADD COLUMN origin TEXT;

-- What was applied from files, and what it then was: a group, a window, a selection or a task, by its
-- number. `state` is the digest of what was applied, so that what somebody changed since is known.
CREATE TABLE applied (
    kind       TEXT    NOT NULL,
    object     BIGINT  NOT NULL,
    owner      TEXT    NOT NULL,
    -- Whether it was made so, or was there before.
    made       BOOLEAN NOT NULL,
    state      TEXT    NOT NULL,
    applied_at BIGINT  NOT NULL,
    applied_by TEXT    NOT NULL,
    PRIMARY KEY (kind, object)
) WITHOUT ROWID;
