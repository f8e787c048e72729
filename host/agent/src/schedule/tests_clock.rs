//! Schedules on a device whose clock or zone is set, and whose store is opened anew and forgets.

use super::bench::{Bench, DEVICE, TASK, assigned, moment, nightly, schedule, with};
use super::zone::DeviceZone;
use crate::store::Store;
use crate::store::StoreLocation;
use jiff::SignedDuration;
use muster_agent_protocol::message::News;
use serde_json::json;

#[tokio::test]
async fn what_is_due_starts_once_and_is_told_in_order() {
    let mut bench = Bench::in_memory().await;
    bench
        .active(&assigned(schedule(&nightly()), "2026-10-05T10:00Z"))
        .await;
    // Six in the evening in Berlin.
    let six = moment("2026-10-05T16:00Z");
    let before = bench.at(moment("2026-10-05T15:59:59.9Z")).await;
    assert_eq!((before.next, before.changed), (Some(six), false));
    assert!(bench.at(six).await.changed);
    assert_eq!(bench.told().await, ["2026-10-05T18:00 ready"]);
    let run = bench.all().await[0].order.run;
    assert!(run.0 < 0);
    assert!(matches!(&bench.news().await[..], [News::Occurred { run: told, .. }] if *told == run));
    assert!(!bench.at(six).await.changed);
    // The clock is set back, and comes there again.
    for text in [
        "2026-10-04T00:00Z",
        "2026-10-05T15:00Z",
        "2026-10-05T16:00:01Z",
    ] {
        assert!(!bench.at(moment(text)).await.changed, "{text}");
    }
    // It was set to another year by mistake: afterwards all goes on.
    bench.begin(six).await.unwrap();
    bench.end().await;
    bench.at(moment("2027-01-31T12:00Z")).await;
    let back = bench.at(moment("2026-10-05T17:00Z")).await;
    assert!(back.next.unwrap() <= moment("2026-10-06T16:00Z"));
}

#[tokio::test]
async fn a_random_delay_is_told_and_kept_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let location = StoreLocation::Folder(folder.path().to_owned());
    let mut bench = Bench::new(&location).await;
    let delayed = json!({ "random-delay": { "up-to": { "minutes": 600 } } });
    let assigned = assigned(with(nightly(), &delayed), "2026-10-05T10:00Z");
    bench.active(&assigned).await;
    let six = moment("2026-10-05T16:00Z");
    let name = "2026-10-05T18:00".to_owned().try_into().unwrap();
    let delay = assigned.schedule.random_delay.of(TASK, DEVICE, name, 1);
    let start = six + delay;
    assert!(
        delay > SignedDuration::from_secs(90),
        "the names are chosen so"
    );
    assert_eq!(bench.at(six).await.next, Some(start));
    let told = bench.news().await;
    assert!(
        matches!(&told[..], [News::Occurred { .. }, News::Scheduled { at, .. }] if *at == start)
    );
    bench.store.close().await;
    bench.store = Store::open(&location, "x", false).await.unwrap();
    bench.at(start - SignedDuration::from_secs(1)).await;
    assert_eq!(bench.told().await, ["2026-10-05T18:00 waiting"]);
    bench.at(start).await;
    assert_eq!(bench.told().await, ["2026-10-05T18:00 ready"]);
}

#[tokio::test]
async fn a_device_that_travels_starts_each_evening_once() {
    let mut bench = Bench::in_memory().await;
    bench
        .active(&assigned(schedule(&nightly()), "2026-10-05T00:00Z"))
        .await;
    bench.at(moment("2026-10-05T16:00Z")).await;
    // To the west: six comes once more on the same day.
    bench.zone = DeviceZone::named("America/New_York").unwrap();
    bench.at(moment("2026-10-05T22:00:00Z")).await;
    assert_eq!(bench.told().await, ["2026-10-05T18:00 ready"]);
    // To the east: six of the next day is over already when it gets there, and is made good.
    bench.zone = DeviceZone::named("Asia/Tokyo").unwrap();
    bench.at(moment("2026-10-06T09:30:00Z")).await;
    assert_eq!(bench.told().await[1], "2026-10-06T18:00 ready");
}

#[tokio::test]
async fn what_another_zone_has_had_already_is_made_good() {
    let mut bench = Bench::in_memory().await;
    let noon_and_six = json!({ "when": { "cron": { "expression": "0 12,18 * * *" } } });
    let assigned = assigned(schedule(&noon_and_six), "2026-10-06T00:00Z");
    bench.active(&assigned).await;
    bench.at(moment("2026-10-06T10:00Z")).await;
    bench.begin(moment("2026-10-06T10:00Z")).await.unwrap();
    bench.end().await;
    // Half past seven in the evening: six was before the noon that was done in Berlin.
    bench.zone = DeviceZone::named("Asia/Tokyo").unwrap();
    bench.at(moment("2026-10-06T10:30Z")).await;
    let told = bench.told().await;
    assert!(
        told.contains(&"2026-10-06T18:00 ready".to_owned()),
        "{told:?}"
    );
    assert!(told.contains(&"2026-10-06T12:00 ended".to_owned()) && told.len() == 2);
}

#[tokio::test]
async fn after_a_clock_that_was_a_year_ahead_all_goes_on() {
    let mut bench = Bench::in_memory().await;
    let hourly = json!({ "when": { "every-hours": { "hours": 1, "from": "2026-10-05T00:00" } } });
    bench
        .active(&assigned(schedule(&hourly), "2026-10-05T10:30Z"))
        .await;
    let wrong = moment("2027-10-05T10:30Z");
    bench.at(wrong).await;
    bench.begin(wrong).await.unwrap();
    bench.end().await;
    let before = bench.all().await.len();
    bench.at(moment("2026-10-05T10:31Z")).await;
    bench.at(moment("2026-10-05T11:00Z")).await;
    let told = bench.told().await;
    assert_eq!(told.len(), before + 1);
    assert_eq!(told[0], "2026-10-05T13:00 ready");
}

#[tokio::test]
async fn a_saving_counts_once_also_when_its_name_is_forgotten() {
    let mut bench = Bench::in_memory().await;
    let saved = assigned(
        schedule(&json!({ "when": "immediately" })),
        "2024-10-05T10:00Z",
    );
    bench.active(&saved).await;
    bench.at(moment("2024-10-05T10:00Z")).await;
    bench.begin(moment("2024-10-05T10:00Z")).await.unwrap();
    bench.end().await;
    bench.forget().await;
    bench.active(&saved).await;
    bench.at(moment("2024-12-05T10:00Z")).await;
    assert_eq!(bench.told().await, Vec::<String>::new());
}

#[tokio::test]
async fn names_are_forgotten_only_behind_the_mark() {
    let mut bench = Bench::in_memory().await;
    bench
        .active(&assigned(
            schedule(
                &json!({ "when": { "every-days": { "days": 1, "from": "2024-10-01T18:00" } } }),
            ),
            "2024-10-01T10:00Z",
        ))
        .await;
    bench.at(moment("2024-10-07T20:00Z")).await;
    bench.begin(moment("2024-10-07T20:00Z")).await;
    bench.end().await;
    let many = bench.all().await.len();
    bench.forget().await;
    assert!(many == 7 && bench.all().await.is_empty());
    // The clock was set back by years: nothing of what was forgotten is done again.
    bench.at(moment("2024-10-01T20:00Z")).await;
    bench.at(moment("2024-10-07T20:00Z")).await;
    assert_eq!(bench.told().await, Vec::<String>::new());
}
