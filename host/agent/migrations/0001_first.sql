-- One row: which store this is, and how far it has come.
create table identity (
    id         integer primary key check (id = 1),
    owner      text    not null, -- the device that the store belongs to
    store      text    not null, -- names the store towards the server
    last_order integer not null default 0
);

-- What the server ordered, one row for each run.
create table delivery (
    run         integer primary key,
    sequence    integer not null,           -- of the last order about it
    command     text    not null,           -- the command's hash
    order_text  text    not null,           -- the last order, whole, as JSON
    state       text    not null,           -- waiting, running, paused, ended
    cause       text,                       -- what it waits for, as JSON
    attempt     integer not null default 0,
    session     text,                       -- boot and session that the attempt runs in
    leader      text,                       -- process that leads the attempt's group, with its start
    ended       text,                       -- how it ended, as JSON
    accepted_at integer not null,           -- milliseconds since 1970, as all times here
    changed_at  integer not null
);
create index delivery_open on delivery (accepted_at, run) where state <> 'ended';
create index delivery_ended on delivery (changed_at) where state = 'ended';

-- Bodies of commands, by hash.
create table command (
    hash      text primary key,
    body      text    not null,
    stored_at integer not null
) without rowid;

-- What the server has not yet acknowledged. Numbers are never given twice.
create table news (
    sequence integer primary key autoincrement,
    at       integer not null,
    body     text    not null
);

-- The local event log.
create table log (
    id       integer primary key autoincrement,
    at       integer not null,
    kind     text    not null,
    severity text    not null,
    text     text    not null,
    run      integer,
    fields   text    not null, -- an object, for the platform's log
    told     integer not null  -- whether the platform's log has it
);
create index log_untold on log (id) where told = 0;

-- One row: how the link stands, for `muster-agent status`.
create table link (
    id     integer primary key check (id = 1),
    state  text    not null,
    since  integer not null,
    detail text    not null
);
