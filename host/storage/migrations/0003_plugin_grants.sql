-- What an administrator said to each thing that a plug-in asks for.
CREATE TABLE plugin_grants (
    application TEXT    NOT NULL,
    digest      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    granted     BOOLEAN NOT NULL,
    -- Of a limit: MiB or milliseconds.
    value       BIGINT,
    said_at     BIGINT  NOT NULL,
    said_by     TEXT    NOT NULL,
    PRIMARY KEY (application, digest, name)
);
