-- Saved queries over devices.
CREATE TABLE selections (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    changed_at BIGINT  NOT NULL,
    changed_by TEXT    NOT NULL
);
CREATE UNIQUE INDEX selection_name_taken ON selections (name);

-- Words that administrators give to devices. One word in letters of either case is one tag.
CREATE TABLE device_tags (
    device BIGINT NOT NULL,
    tag    TEXT   NOT NULL COLLATE NOCASE,
    PRIMARY KEY (device, tag)
) WITHOUT ROWID;
