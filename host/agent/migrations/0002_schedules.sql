-- Numbers that the device gives by itself are below 0 and counted down. A store begins where no
-- store of the device before it can have come to, so that a number stays one delivery's also after
-- a store was lost: none is given as often as once a second.
alter table identity add column last_run integer not null default 0;
update identity set last_run = -unixepoch();

-- Which tasks the device starts by itself, one row for each; the last assignment holds.
create table assignment (
    task      integer primary key,
    sequence  integer not null,         -- of the last assignment of the task
    standing  text    not null,         -- active, held, withdrawn
    assigned  text,                     -- what is needed to start it, as JSON; none if it was never active
    command   text,                     -- the command's hash in it
    cause     text,                     -- why it is held, as JSON
    mark      integer not null,         -- what came due up to then is done
    least     integer not null,         -- the mark goes back to here at most: names before it are forgotten
    zone      text    not null default '', -- the device's zone by which the mark was made
    saved     integer not null default 0,  -- the last schedule revision whose saving was answered to
    changed_at integer not null
);

-- What came due of them, one row each for good: what is here is not started again.
create table occurrence (
    run      integer primary key,       -- the delivery's
    task     integer not null,
    name     text    not null,          -- the occurrence's
    due_at   integer not null,          -- when the schedule had it
    start_at integer not null,          -- with the delays that it waits for
    rules    text    not null,          -- what holds for it once it is due, as JSON
    admitted integer not null default 0, -- whether overlap and missed runs let it start
    late     integer not null default 0, -- whether it makes good what was missed
    began_at integer,                   -- when its first attempt began
    failures integer not null default 0, -- attempts that failed and are made again
    retry_at integer,                   -- when it is tried again
    failed_at integer,                  -- when the attempt before that failed
    stop     text                       -- why it is to be stopped, as JSON
);
create unique index occurrence_name on occurrence (task, name);
create index occurrence_due on occurrence (task, due_at);
create index occurrence_next on occurrence (start_at) where admitted = 0;

-- When tasks may start on the device: one row, the last word.
create table windows (
    id       integer primary key check (id = 1),
    sequence integer not null,
    windows  text    not null           -- as JSON
);

-- When applications, and the agent under the name '', started last.
create table started (
    what    text primary key,
    boot    text    not null,           -- of the device, in which it was seen last
    runs    integer not null,           -- whether it ran then
    started integer                     -- when it started last, if that was ever seen
) without rowid;
