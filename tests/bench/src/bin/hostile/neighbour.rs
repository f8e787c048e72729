//! The neighbour: an application whose plug-in is good, under constant load.

use anyhow::{Context as _, Result, ensure};
use muster_api::task::{ScopeRequest, TaskCreate};
use muster_test_harness::Client;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

/// What it has installed.
pub(crate) const APPLICATION: &str = "net.clamav.clamav";

/// Requests at a constant rate, whether or not those before were answered.
pub(crate) struct Neighbour {
    taken: Arc<Mutex<Taken>>,
    load: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

#[derive(Default)]
struct Taken {
    requests: Vec<Request>,
    failed: Vec<String>,
}

/// One request.
pub(crate) struct Request {
    pub(crate) began: Instant,
    pub(crate) milliseconds: f64,
}

impl Neighbour {
    /// Begins to create a task in each interval, each of which the plug-in validates.
    ///
    /// It has a thread of its own: what it measures is the server, not how busy this program is.
    pub(crate) fn start(client: &Client, interval: Duration) -> Result<Self> {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let (client, into) = (client.clone(), Arc::clone(&taken));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start a runtime for the neighbour")?;
        let (end, ended) = oneshot::channel();
        let requests = async move {
            let mut due = tokio::time::interval(interval);
            due.set_missed_tick_behavior(MissedTickBehavior::Burst);
            loop {
                // A request that is sent late, because this program was late, waits from then on.
                due.tick().await;
                let (client, into) = (client.clone(), Arc::clone(&into));
                tokio::spawn(async move {
                    let began = Instant::now();
                    let answer = client.task_create(&task()).await;
                    let milliseconds = began.elapsed().as_secs_f64() * 1e3;
                    let mut taken = into.lock().unwrap_or_else(PoisonError::into_inner);
                    match answer {
                        Ok(_) => taken.requests.push(Request {
                            began,
                            milliseconds,
                        }),
                        Err(error) => taken.failed.push(format!("{error:#}")),
                    }
                });
            }
        };
        let load = std::thread::Builder::new()
            .name("neighbour".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = requests => {}
                        _ = ended => {}
                    }
                });
            })
            .context("cannot start a thread for the neighbour")?;
        let load = Some((end, load));
        Ok(Self { taken, load })
    }

    /// What was taken since it was asked last. A request that failed is an error: that is what a
    /// neighbour must never notice.
    pub(crate) fn take(&self) -> Result<Vec<Request>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let Taken { requests, failed } = std::mem::take(&mut *taken);
        drop(taken);
        let first = failed.first().map_or("", String::as_str);
        ensure!(
            failed.is_empty(),
            "{} requests of the neighbour failed, the first with: {first}",
            failed.len()
        );
        Ok(requests)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        if let Some((end, load)) = self.load.take() {
            drop(end);
            // It has nothing to say: what it took is taken from the other side.
            let _ = load.join();
        }
    }
}

fn task() -> TaskCreate {
    TaskCreate {
        name: "Neighbour".into(),
        application: APPLICATION.into(),
        task_type: "scan".into(),
        scope: ScopeRequest::Group {
            group: "/".into(),
            subgroups: true,
            excluded: Vec::new(),
            only: None,
            membership: muster_domain::scope::Membership::Fixed,
        },
        settings: None,
        time_limit: None,
        schedule: None,
        rollout: None,
        allow_plain: vec![],
    }
}

/// The value that 99 of a hundred are not above.
pub(crate) fn p99(requests: &[Request]) -> f64 {
    let mut sorted: Vec<f64> = requests.iter().map(|one| one.milliseconds).collect();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() * 99).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_is_above_p99() {
        let up_to = |most: u32| {
            let began = Instant::now();
            let took = (1..=most).map(f64::from);
            let requests = took.map(|milliseconds| Request {
                began,
                milliseconds,
            });
            p99(&requests.collect::<Vec<_>>())
        };
        assert!((up_to(200) - 198.0).abs() < f64::EPSILON);
        assert!((up_to(1) - 1.0).abs() < f64::EPSILON);
        assert!(up_to(0).is_nan());
    }
}
