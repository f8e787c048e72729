//! A fleet in simulated time: tasks with schedules of every kind, devices in many zones that are off now
//! and then, and a server that does the same sums by itself.
//!
//! Everything follows from the numbers of tasks and devices: no run differs from another. The measuring
//! program for schedules uses this file too.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use muster_domain::schedule::policy::Due;
use muster_domain::schedule::{Occurrence, Schedule, Timetable, Zone};
use muster_domain::{DeviceId, TaskId};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Both hemispheres, odd offsets, half an hour of daylight saving, and none.
pub(crate) const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Chatham",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Africa/Cairo",
    "Africa/Casablanca",
];

/// How much of a fleet there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Tasks.
    pub(crate) tasks: u32,
    /// Devices.
    pub(crate) devices: u32,
    /// Devices that each task is for.
    pub(crate) scope: u32,
    /// Days. They begin in September, so that they hold changes of clocks in both directions.
    pub(crate) days: i64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Occurrences on devices: each started once, or missed once.
    pub(crate) occurrences: u64,
    /// Those of them that started.
    pub(crate) started: u64,
    /// Runs: occurrences of tasks, each for all its devices.
    pub(crate) runs: u64,
}

/// A draw that is always the same for the same numbers.
fn draw(what: u64, of: u64, less_than: u64) -> u64 {
    let mut mixed = (what << 32 | of).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % less_than
}

/// The schedule of a task: all items that name times take their turns.
fn schedule(task: u32) -> Schedule {
    let number = |what, less_than| draw(what, u64::from(task), less_than);
    let at = format!("{:02}:{:02}", number(1, 24), number(2, 60));
    let from = format!("2026-08-{:02}T{at}", number(3, 28) + 1);
    let day = ["monday", "tuesday", "wednesday", "friday", "sunday"][index(number(4, 5))];
    let when = match task % 12 {
        0 => json!({"weekly": {"days": [day, "thursday"], "at": at}}),
        1 => json!({"every-minutes": {"minutes": number(5, 200) + 60, "from": from}}),
        2 => json!({"every-hours": {"hours": number(5, 12) + 1, "from": from}}),
        3 | 11 => json!({"every-days": {"days": number(5, 3) + 1, "from": from}}),
        4 => json!({"daily-without-daylight-saving": {"from": from}}),
        5 => {
            json!({"every-weeks": {"weeks": number(5, 3) + 1, "days": [day], "at": at, "from": from}})
        }
        6 => json!({"monthly": {"days": [15, 30, 31], "at": at}}),
        7 => {
            json!({"monthly-by-weekday": {"on": [{"nth": "second", "day": day}, {"nth": "last", "day": day}], "at": at}})
        }
        8 => json!({"yearly": {"month": number(5, 3) + 9, "day": number(6, 28) + 1, "at": at}}),
        9 => {
            json!({"cron": {"expression": format!("*/{} {} * * *", number(5, 25) + 5, number(6, 4))}})
        }
        _ => {
            json!({"once": {"at": format!("2026-{:02}-{:02}T{at}", number(5, 3) + 9, number(6, 28) + 1)}})
        }
    };
    let pick = |what, words: [Value; 3]| words[index(number(what, 3))].clone();
    let json = json!({
        "when": when,
        "zone": pick(7, [json!("device"), json!("device"), json!("Europe/Berlin")]),
        "skipped-time": pick(8, [json!("at-the-change"), json!("at-the-change"), json!("skip")]),
        "repeated-time": pick(9, [json!("first"), json!("second"), json!("both")]),
        "missed-runs": pick(10, [json!("once"), json!("each"), json!({"younger-than": {"minutes": 90}})]),
        "random-delay": pick(11, [json!("none"), json!("none"), json!({"up-to": {"minutes": 30}})]),
    });
    match Schedule::parse(&json) {
        Ok((schedule, _)) => schedule,
        Err(found) => panic!("{json}: {found:?}"),
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Tasks and devices.
pub(crate) struct Fleet {
    size: Size,
    begin: Timestamp,
    end: Timestamp,
    schedules: Vec<Schedule>,
    /// By zone, then by task.
    tables: Vec<Vec<Timetable>>,
}

impl Fleet {
    /// A fleet of a size.
    pub(crate) fn new(size: Size) -> Self {
        let begin = Timestamp::constant(1_788_220_800, 0);
        let schedules: Vec<Schedule> = (0..size.tasks).map(schedule).collect();
        let table = |zone: &TimeZone, schedule| match Timetable::new(schedule, zone) {
            Ok(table) => table,
            Err(unknown) => panic!("{unknown}"),
        };
        let tables = ZONES
            .iter()
            .map(|name| match Zone::named(name) {
                Ok(zone) => schedules.iter().map(|one| table(&zone, one)).collect(),
                Err(unknown) => panic!("{unknown}"),
            })
            .collect();
        Self {
            end: begin + SignedDuration::from_hours(24 * size.days),
            begin,
            size,
            schedules,
            tables,
        }
    }

    fn zone_of(device: u32) -> usize {
        index(draw(20, u64::from(device), 1 << 20)) % ZONES.len()
    }

    /// The tasks of each device: every task is for as many devices as its scope says.
    fn tasks_of_devices(&self) -> Vec<Vec<u32>> {
        let mut tasks = vec![Vec::new(); index(u64::from(self.size.devices))];
        for task in 0..self.size.tasks {
            let first = draw(21, u64::from(task), u64::from(self.size.devices));
            for place in 0..u64::from(self.size.scope) {
                let device = index((first + place) % u64::from(self.size.devices));
                tasks[device].push(task);
            }
        }
        tasks
    }

    /// What the server makes of a task in a zone.
    fn server(&self, zone: usize, task: u32) -> Vec<Occurrence> {
        let table = &self.tables[zone][index(u64::from(task))];
        table.within(self.begin, self.end).collect()
    }

    /// Lets all days pass on every device and on the server, and holds them against each other: every
    /// occurrence that the server has is there exactly once on each device, and no other.
    pub(crate) fn run(&self) -> Count {
        let mut count = Count::default();
        let mut runs: BTreeMap<(usize, u32), Vec<Occurrence>> = BTreeMap::new();
        let mut names = std::collections::HashSet::new();
        for (device, tasks) in (0..).zip(self.tasks_of_devices()) {
            let zone = Self::zone_of(device);
            let mut agent = Agent::new(self, device, zone, &tasks);
            agent.live();
            for (task, mut found) in tasks.iter().zip(agent.found) {
                let expected = runs.entry((zone, *task)).or_insert_with(|| {
                    let expected = self.server(zone, *task);
                    names.extend(expected.iter().map(|one| (*task, one.id)));
                    expected
                });
                found.sort_unstable();
                assert_eq!(found, *expected, "task {task} on device {device}");
                count.occurrences += expected.len() as u64;
            }
            count.started += agent.started;
        }
        count.runs = names.len() as u64;
        count
    }
}

/// What the agent of one device does, with the rules of the product and nothing else.
struct Agent<'a> {
    fleet: &'a Fleet,
    device: u32,
    zone: usize,
    tasks: &'a [u32],
    /// What each task had, started or missed.
    found: Vec<Vec<Occurrence>>,
    started: u64,
    /// Up to when everything was decided, for each task.
    done: Vec<Timestamp>,
    /// When each task is to be looked at next.
    agenda: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

impl<'a> Agent<'a> {
    fn new(fleet: &'a Fleet, device: u32, zone: usize, tasks: &'a [u32]) -> Self {
        let mut agent = Self {
            fleet,
            device,
            zone,
            tasks,
            found: vec![Vec::new(); tasks.len()],
            started: 0,
            done: vec![fleet.begin; tasks.len()],
            agenda: BinaryHeap::new(),
        };
        for place in 0..tasks.len() {
            agent.plan(place);
        }
        agent
    }

    fn table(&self, place: usize) -> &'a Timetable {
        &self.fleet.tables[self.zone][index(u64::from(self.tasks[place]))]
    }

    fn plan(&mut self, place: usize) {
        let mut next = self.table(place).within(self.done[place], self.fleet.end);
        if let Some(next) = next.next() {
            self.agenda.push(Reverse((next.at, place)));
        }
    }

    /// When the device is on, from a moment on: it sleeps for up to two days about once a week, and looks at
    /// its agenda some seconds late.
    fn awake(&self, due: Timestamp) -> Timestamp {
        let week = 7 * 24 * 3600;
        let number = due.as_second() / week;
        let of = u64::from(self.device) << 12 | u64::try_from(number).unwrap_or(0);
        let seconds = |what, less: u64| i64::try_from(draw(what, of, less)).unwrap_or(0);
        let off = number * week + seconds(22, 5 * 24 * 3600);
        let on = off + seconds(23, 2 * 24 * 3600);
        let second = due.as_second();
        let moment = if (off..on).contains(&second) {
            on
        } else {
            second
        };
        Timestamp::from_second(moment + second % 3).unwrap_or(due)
    }

    fn live(&mut self) {
        while let Some(Reverse((due, place))) = self.agenda.pop() {
            let now = self.awake(due).min(self.fleet.end);
            self.look(place, now);
            self.plan(place);
        }
    }

    fn look(&mut self, place: usize, now: Timestamp) {
        let task = self.tasks[place];
        let schedule = &self.fleet.schedules[index(u64::from(task))];
        let (task, device) = (TaskId(i64::from(task)), DeviceId(self.device + 1));
        let delay = schedule.random_delay;
        let start_at = |one: &Occurrence| one.at + delay.of(task, device, one.id, 1);
        let table = self.table(place);
        let due = schedule
            .missed_runs
            .due(table, self.done[place], now, start_at);
        let Due {
            start,
            wait,
            missed,
            more_missed,
        } = due;
        assert!(!more_missed, "task {task} on device {device}");
        // What waits for its delay starts in any case: the agent has it in its own list from now on.
        self.started += (start.len() + wait.len()) as u64;
        let found = &mut self.found[place];
        found.extend(start);
        found.extend(wait.into_iter().map(|(one, _)| one));
        found.extend(missed);
        self.done[place] = now;
    }
}
