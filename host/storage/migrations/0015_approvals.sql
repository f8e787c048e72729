-- An administrator has one token.
CREATE UNIQUE INDEX administrator_name_taken ON administrator_tokens (name);

-- Destructive tasks start in revisions alone that a second administrator approved.
CREATE TABLE task_approvals (
    task        BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    approved_at BIGINT NOT NULL,
    approved_by TEXT   NOT NULL,
    PRIMARY KEY (task, revision)
) WITHOUT ROWID;
