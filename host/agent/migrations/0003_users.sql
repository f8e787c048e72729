-- What the device's user may do: one row, the server's last word. None: nothing.
create table rights (
    id       integer primary key check (id = 1),
    sequence integer not null,
    rights   text    not null,          -- as JSON
    of_group text    not null           -- the path of the device's group
);

-- What the user asked for, and what became of it.
create table edit (
    place    integer primary key autoincrement,
    id       text    not null unique,
    task     integer,                   -- as soon as the server has given it a number
    made_by  text,                      -- the edit that creates the task, where the user made it
    username text    not null,
    body     text    not null,          -- as JSON
    made_at  integer not null,
    outcome  text,                      -- as JSON; none while the server has not answered
    version  integer,                   -- of the task, since when the edit is in it
    answered_at integer
);
create index edit_task on edit (task);
create index edit_open on edit (place) where outcome is null;

-- What the server assigned; what the user changed since stands in "assigned" alone.
alter table assignment add column told text;
update assignment set told = assigned;
-- The user deleted the task.
alter table assignment add column dropped integer not null default 0;

-- Why the user had it stopped, as JSON.
alter table delivery add column stopped text;
