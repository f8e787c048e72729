-- Revisions of plug-ins: what refused or waits, and which one translated a delivery.

ALTER TABLE plugins ADD COLUMN code TEXT;
-- When it came into its state.
ALTER TABLE plugins ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
UPDATE plugins SET changed_at = installed_at;
DROP INDEX plugin_current;
CREATE UNIQUE INDEX plugin_current ON plugins (application)
    WHERE state IN ('active', 'failed', 'quarantined');

-- Components on their way through the gate, and those that it refused.
CREATE TABLE plugin_uploads (
    digest      TEXT   NOT NULL PRIMARY KEY,
    state       TEXT   NOT NULL,
    application TEXT,
    code        TEXT,
    reason      TEXT,
    size        BIGINT NOT NULL,
    uploaded_at BIGINT NOT NULL,
    uploaded_by TEXT   NOT NULL
);

ALTER TABLE task_revisions ADD COLUMN migrated_from BIGINT;

ALTER TABLE deliveries ADD COLUMN plugin TEXT;
CREATE INDEX delivery_plugin ON deliveries (plugin) WHERE NOT final AND plugin IS NOT NULL;

-- Reports that no plug-in was there for.
ALTER TABLE reports ADD COLUMN waits BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX report_waiting ON reports (run) WHERE waits;
