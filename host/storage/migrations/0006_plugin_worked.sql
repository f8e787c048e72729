-- When a revision was last put to work, so that of those that a removal took at once the one that was at
-- work can be told.
ALTER TABLE plugins ADD COLUMN worked_at BIGINT;
UPDATE plugins SET worked_at = changed_at WHERE state IN ('active', 'failed', 'quarantined');
