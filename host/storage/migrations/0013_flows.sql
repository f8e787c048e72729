-- A token may be for a device that is there: its agent was installed anew, or has to be told from a copy.
ALTER TABLE enrollment_tokens ADD COLUMN for_device BIGINT;

-- Which agent has a device's identity: the mark that it took with its last link, and what is known of it.
CREATE TABLE lineages (
    device BIGINT NOT NULL PRIMARY KEY,
    mark   TEXT   NOT NULL,
    bearer TEXT   NOT NULL
);
-- Marks that an older state of an agent took the place of. Whoever shows one was not put back: there are two.
CREATE TABLE lineages_passed (
    device BIGINT NOT NULL,
    mark   TEXT   NOT NULL,
    bearer TEXT   NOT NULL,
    PRIMARY KEY (device, mark)
) WITHOUT ROWID;
-- Agents that were refused as the second one, by the mark that they wanted to take.
CREATE TABLE lineages_refused (
    device BIGINT NOT NULL,
    mark   TEXT   NOT NULL,
    PRIMARY KEY (device, mark)
) WITHOUT ROWID;
