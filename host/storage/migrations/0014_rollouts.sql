-- Rollouts: how runs go out, wave by wave.

-- JSON. None: all devices begin as soon as they can.
ALTER TABLE task_revisions ADD COLUMN rollout TEXT;

-- How far a run's rollout is.
CREATE TABLE rollouts (
    run     BIGINT PRIMARY KEY,
    body    TEXT   NOT NULL,
    place   TEXT   NOT NULL,
    -- Devices that were let go.
    begun   BLOB   NOT NULL,
    -- Devices that ended, and count no more for its stop.
    excused BLOB   NOT NULL,
    -- What the next device waits for.
    hold    TEXT
);
CREATE TABLE rollout_waves (
    run     BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    devices BLOB   NOT NULL,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;
