-- Whom to trust for which plug-in. Read whole whenever something asks to be admitted; a row that
-- cannot be read refuses everything.

CREATE TABLE trust_settings (
    one    BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    policy TEXT   NOT NULL,
    -- Sigstore's trusted_root.json.
    root   TEXT
);
INSERT INTO trust_settings (one, policy) VALUES (1, 'required');

CREATE TABLE trust_credentials (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    signer       TEXT    NOT NULL,
    -- What nobody else's is: the key's fingerprint, or issuer and subject.
    name         TEXT    NOT NULL,
    key          TEXT,
    issuer       TEXT,
    subject      TEXT,
    applications TEXT    NOT NULL,
    authority    BOOLEAN NOT NULL,
    valid_from   BIGINT  NOT NULL,
    valid_until  BIGINT,
    successor    BIGINT,
    revoked_at   BIGINT,
    revoked_why  TEXT,
    added_at     BIGINT  NOT NULL,
    added_by     TEXT    NOT NULL
);
CREATE UNIQUE INDEX trust_credential_known ON trust_credentials (name);

CREATE TABLE trust_owners (
    application TEXT   NOT NULL PRIMARY KEY,
    signer      TEXT   NOT NULL,
    since       BIGINT NOT NULL,
    set_by      TEXT   NOT NULL
);

-- The newest list of each signer.
CREATE TABLE trust_revocations (
    signer      TEXT    NOT NULL PRIMARY KEY,
    authority   BOOLEAN NOT NULL,
    number      BIGINT  NOT NULL,
    list        TEXT    NOT NULL,
    imported_at BIGINT  NOT NULL,
    imported_by TEXT    NOT NULL
);

CREATE TABLE trust_pins (
    digest    TEXT   NOT NULL PRIMARY KEY,
    pinned_at BIGINT NOT NULL,
    pinned_by TEXT   NOT NULL
);

-- On what ground each component was admitted. Kept when its plug-in goes, so that an older
-- statement is known for one.
CREATE TABLE trust_admissions (
    application TEXT   NOT NULL,
    digest      TEXT   NOT NULL,
    version     TEXT   NOT NULL,
    ground      TEXT   NOT NULL,
    signers     TEXT   NOT NULL,
    statement   TEXT,
    -- When the statement was created.
    stated_at   BIGINT,
    admitted_at BIGINT NOT NULL,
    CONSTRAINT trust_admitted PRIMARY KEY (application, digest)
);
