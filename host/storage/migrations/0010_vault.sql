-- Secrets, sealed with the vault's key, which is not in the database.
CREATE TABLE secrets (
    name       TEXT    PRIMARY KEY,
    version    BIGINT  NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at BIGINT  NOT NULL,
    created_by TEXT    NOT NULL,
    changed_at BIGINT  NOT NULL,
    changed_by TEXT    NOT NULL
);

-- Something known, sealed with the key: by it the right key is told from a wrong one.
CREATE TABLE vault (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    sealed BLOB    NOT NULL
);
