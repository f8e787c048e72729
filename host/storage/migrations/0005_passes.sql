-- What the gate found of a revision, so that a server that starts again need not ask anew.

ALTER TABLE plugins ADD COLUMN pass TEXT;
