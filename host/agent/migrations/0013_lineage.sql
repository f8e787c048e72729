-- The mark that the store took with its last link, and the one that it takes with the next: by them the
-- server knows a copy of this store.
alter table identity add column mark text;
alter table identity add column next_mark text;
-- The digest of the certificate with which the server lets this device in no more: it is a copy, was
-- removed, or was enrolled again elsewhere.
alter table identity add column barred text;
