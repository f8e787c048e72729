//! Starts: which applications started since the last look, and whether the agent did.

use crate::store::StoreError;
use crate::store::started::{self, AGENT, Started};
use jiff::Timestamp;
use muster_domain::ApplicationId;
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// Something that started now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    /// The application; none for the agent.
    pub(super) application: Option<ApplicationId>,
    /// When it started the time before, if that was ever seen.
    pub(super) before: Option<Timestamp>,
}

/// Notes what runs now, and gives back what started since it was noted last. What is looked at for the
/// first time ever and runs has not started: nobody knows since when it runs.
pub(super) async fn notice(
    at: &mut SqliteConnection,
    applications: &BTreeMap<ApplicationId, bool>,
    boot: &str,
    now: Timestamp,
) -> Result<Vec<Start>, StoreError> {
    let mut starts = Vec::new();
    for (application, runs) in applications {
        let before = started::find(at, application.as_str()).await?;
        let ran = before
            .as_ref()
            .is_none_or(|before| before.runs && before.boot == boot);
        let last = before.as_ref().and_then(|before| before.at);
        let began = *runs && !ran;
        let seen = Started {
            boot: boot.to_owned(),
            runs: *runs,
            at: if began { Some(now) } else { last },
        };
        if before.as_ref() != Some(&seen) {
            started::put(at, application.as_str(), &seen).await?;
        }
        if began {
            starts.push(Start {
                application: Some(application.clone()),
                before: last,
            });
        }
    }
    Ok(starts)
}

/// Notes that the agent started.
pub(super) async fn agent(
    at: &mut SqliteConnection,
    boot: &str,
    now: Timestamp,
) -> Result<Start, StoreError> {
    let before = started::find(at, AGENT).await?.and_then(|before| before.at);
    let seen = Started {
        boot: boot.to_owned(),
        runs: true,
        at: Some(now),
    };
    started::put(at, AGENT, &seen).await?;
    Ok(Start {
        application: None,
        before,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, StoreLocation};

    #[tokio::test]
    async fn a_start_is_seen_once_and_a_restart_of_the_device_is_one() {
        let store = Store::open(&StoreLocation::Memory, "x", false)
            .await
            .unwrap();
        let mut connection = store.acquire().await.unwrap();
        let application: ApplicationId = "a.b".parse().unwrap();
        let moment = |second| Timestamp::from_second(second).unwrap();
        let mut look = async |runs, boot, second| {
            let applications = [(application.clone(), runs)].into();
            let starts = notice(&mut connection, &applications, boot, moment(second)).await;
            starts
                .unwrap()
                .into_iter()
                .map(|start| start.before)
                .collect::<Vec<_>>()
        };
        assert!(look(true, "one", 1).await.is_empty());
        assert!(look(false, "one", 2).await.is_empty());
        assert_eq!(look(true, "one", 3).await, [None]);
        assert!(look(true, "one", 4).await.is_empty());
        assert_eq!(look(true, "two", 5).await, [Some(moment(3))]);
        assert!(look(true, "two", 6).await.is_empty());
    }
}
