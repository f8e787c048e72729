//! Schedule: what the device starts by itself, also while the server is away.
//!
//! A loop without input: assignments, marks and windows are looked up where they stand; a hint, a
//! moment, a start or a clock that was set only says when. `step` turns what came due into
//! deliveries, `admit` decides between those of one task, and `deliver` begins them.

mod admit;
#[cfg(test)]
mod bench;
pub(crate) mod due;
mod starts;
pub(crate) mod step;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_clock;
#[cfg(test)]
mod tests_random;
pub mod upcoming;
pub mod windows;
pub mod zone;

use crate::agent::Shared;
use crate::applications::View;
use crate::process;
use muster_domain::device::ApplicationState;
use std::sync::Arc;
use std::time::Duration;
use step::{Ground, step};
use tokio::sync::watch;
use tokio::time::sleep;
use zone::DeviceZone;

/// After the store said no.
const RETRY: Duration = Duration::from_secs(2);
/// Between two looks at the device's zone.
const ZONE_LOOK: Duration = Duration::from_secs(10);

/// The worker.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut view = shared.applications.subscribe();
    let session = process::session();
    let boot = session.split_once('/').map_or("", |(boot, _)| boot);
    let mut agent_started = true;
    loop {
        let seen = view.borrow_and_update().clone();
        let zone = shared.zone.borrow().clone();
        let runs = |state| state == ApplicationState::Running;
        let applications = seen.applications.values();
        let ground = Ground {
            now: muster_clock::now(),
            device: shared.identity.device,
            zone: &zone,
            boot,
            applications: applications
                .map(|seen| (seen.application.clone(), runs(seen.state)))
                .collect(),
            agent_started,
        };
        let next = match step(&shared.store, &ground).await {
            Ok(stepped) => {
                agent_started = false;
                if stepped.changed {
                    let hints = &shared.store.hints;
                    hints.deliver.notify_one();
                    hints.link.notify_one();
                    hints.log.notify_one();
                }
                stepped.next
            }
            Err(cause) => {
                tracing::error!(
                    "schedules wait for the local store: {}",
                    muster_domain::chain(&cause)
                );
                sleep(RETRY).await;
                continue;
            }
        };
        let never = jiff::Timestamp::MAX;
        tokio::select! {
            () = shared.store.hints.schedule.notified() => {}
            () = muster_clock::until_or_set_back(next.unwrap_or(never)) => {}
            () = something_new(&mut view, &seen) => {}
            () = another_zone(&shared.zone) => {}
        }
    }
}

async fn something_new(view: &mut watch::Receiver<Arc<View>>, last: &View) {
    while view.borrow_and_update().change == last.change {
        if view.changed().await.is_err() {
            // Nobody looks any more: the agent ends.
            std::future::pending::<()>().await;
        }
    }
}

/// Waits until the device's zone is another one, and tells everybody.
async fn another_zone(known: &watch::Sender<DeviceZone>) {
    let look = |known: &mut DeviceZone| {
        let found = DeviceZone::find();
        let other = found != *known;
        if other {
            *known = found;
        }
        other
    };
    while !known.send_if_modified(look) {
        sleep(ZONE_LOOK).await;
    }
}

#[cfg(test)]
mod zone_tests {
    use super::*;

    #[tokio::test]
    async fn another_zone_is_told_to_everybody_once() {
        let found = DeviceZone::find();
        let other = DeviceZone::named("Antarctica/Troll").unwrap();
        let known = watch::Sender::new(other);
        let mut told = known.subscribe();
        another_zone(&known).await;
        assert!(told.has_changed().unwrap());
        assert_eq!(*told.borrow_and_update(), found);
        // The same again is no news: it is waited on.
        let again = tokio::time::timeout(Duration::from_millis(50), another_zone(&known));
        assert!(again.await.is_err() && !told.has_changed().unwrap());
    }
}
