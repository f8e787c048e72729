//! Secrets: what a delivery needs of the server's vault, asked for just before it begins and kept in
//! memory alone.
//!
//! `deliver` says which delivery is ready but for its secrets; the link asks for them and puts the
//! answer here; `deliver` takes them and begins. Nothing of it is written down: an agent that is ended
//! meanwhile asks again.

use crate::store::Hints;
use muster_agent_protocol::secret::{Answer, DeviceSecrets, Recipient, Values};
use muster_domain::delivery::Cause;
use muster_domain::secret::SecretAbsence;
use muster_domain::{DeviceId, RunId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// After the server said no, and did not say since that the vault has changed.
const ASK_AGAIN: Duration = Duration::from_mins(5);

/// What deliveries wait for.
#[derive(Default)]
pub(crate) struct Secrets(Mutex<State>);

#[derive(Default)]
struct State {
    linked: bool,
    wanted: HashMap<RunId, Wanted>,
}

struct Wanted {
    /// One of those that it needs, for people.
    name: String,
    standing: Standing,
}

enum Standing {
    New,
    Asked(Recipient),
    Here(Values),
    Unavailable(Cause, Instant),
}

/// How it stands with the secrets of a delivery that was to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// They are asked for.
    Coming,
    /// They cannot be had for now.
    Unavailable(Cause),
}

impl Secrets {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands with a delivery; none if it may begin as far as this goes.
    pub(crate) fn awaited(&self, run: RunId, hints: &Hints) -> Option<Awaited> {
        let mut state = self.state();
        let linked = state.linked;
        let wanted = state.wanted.get_mut(&run)?;
        if let Standing::Unavailable(_, since) = &wanted.standing
            && linked
            && since.elapsed() > ASK_AGAIN
        {
            wanted.standing = Standing::New;
            hints.link.notify_one();
        }
        match &wanted.standing {
            Standing::Here(_) => None,
            Standing::Unavailable(cause, _) => Some(Awaited::Unavailable(cause.clone())),
            Standing::New | Standing::Asked(_) if linked => Some(Awaited::Coming),
            Standing::New | Standing::Asked(_) => {
                Some(Awaited::Unavailable(Cause::SecretUnavailable {
                    secret: wanted.name.clone(),
                    reason: SecretAbsence::Offline,
                }))
            }
        }
    }

    /// The secrets of a delivery that begins now. Where they are not here, they are asked for.
    pub(crate) fn take(&self, run: RunId, name: &str, hints: &Hints) -> Option<Values> {
        let mut state = self.state();
        let before = state.wanted.remove(&run);
        if let Some(Wanted {
            standing: Standing::Here(values),
            ..
        }) = before
        {
            return Some(values);
        }
        let wanted = before.unwrap_or_else(|| Wanted {
            name: name.to_owned(),
            standing: Standing::New,
        });
        state.wanted.insert(run, wanted);
        hints.link.notify_one();
        hints.deliver.notify_one();
        None
    }

    /// A delivery does not begin now after all: what came for it is wiped.
    pub(crate) fn put_down(&self, run: RunId) {
        let mut state = self.state();
        let here = |wanted: &Wanted| matches!(wanted.standing, Standing::Here(_));
        if state.wanted.get(&run).is_some_and(here) {
            state.wanted.remove(&run);
        }
    }

    /// Forgets deliveries that are over.
    pub(crate) fn retain(&self, open: impl Fn(RunId) -> bool) {
        self.state().wanted.retain(|run, _| open(*run));
    }

    /// A link was opened, or lost. What was asked over it is asked again over the next.
    pub(crate) fn linked(&self, linked: bool, hints: &Hints) {
        let mut state = self.state();
        state.linked = linked;
        Self::renew(&mut state, hints);
    }

    /// The vault changed.
    pub(crate) fn changed(&self, hints: &Hints) {
        Self::renew(&mut self.state(), hints);
    }

    fn renew(state: &mut State, hints: &Hints) {
        for wanted in state.wanted.values_mut() {
            if !matches!(wanted.standing, Standing::Here(_)) {
                wanted.standing = Standing::New;
            }
        }
        if !state.wanted.is_empty() {
            hints.link.notify_one();
            hints.deliver.notify_one();
        }
    }

    /// What is to be asked for now: runs, each with a key of its own.
    pub(crate) fn to_ask(&self) -> Vec<(RunId, String)> {
        let mut state = self.state();
        let mut asked = Vec::new();
        for (run, wanted) in &mut state.wanted {
            if !matches!(wanted.standing, Standing::New) {
                continue;
            }
            match Recipient::new() {
                Ok(recipient) => {
                    asked.push((*run, recipient.key().to_owned()));
                    wanted.standing = Standing::Asked(recipient);
                }
                Err(cause) => tracing::error!(%run, "secrets cannot be asked for: {cause}"),
            }
        }
        asked
    }

    /// Takes an answer of the server.
    pub(crate) fn answered(&self, device: DeviceId, secrets: &DeviceSecrets, hints: &Hints) {
        let mut state = self.state();
        let Some(wanted) = state.wanted.get_mut(&secrets.run) else {
            return;
        };
        let before = std::mem::replace(&mut wanted.standing, Standing::New);
        let recipient = match before {
            Standing::Asked(recipient) if recipient.key() == secrets.to => recipient,
            // An answer to another question.
            other => {
                wanted.standing = other;
                return;
            }
        };
        let unavailable = |secret: &str, reason| {
            let secret = secret.to_owned();
            let cause = Cause::SecretUnavailable { secret, reason }.bounded();
            Standing::Unavailable(cause, Instant::now())
        };
        wanted.standing = match &secrets.answer {
            Answer::Unavailable { secret, reason } => unavailable(secret, *reason),
            Answer::Given { key, values } => {
                match recipient.open((device, secrets.run), (key, values)) {
                    Ok(values) => Standing::Here(values),
                    Err(cause) => {
                        tracing::warn!(run = %secrets.run, "secrets cannot be opened: {cause}");
                        unavailable(&wanted.name, SecretAbsence::Refused)
                    }
                }
            }
        };
        hints.deliver.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_agent_protocol::secret::seal;
    use zeroize::Zeroizing;

    const DEVICE: DeviceId = DeviceId(7);
    const RUN: RunId = RunId(2);

    fn missing(reason: SecretAbsence) -> Awaited {
        let secret = "proxy".to_owned();
        Awaited::Unavailable(Cause::SecretUnavailable { secret, reason })
    }

    fn answer(to: &str, answer: Answer) -> DeviceSecrets {
        DeviceSecrets {
            device: DEVICE,
            run: RUN,
            to: to.to_owned(),
            answer,
        }
    }

    #[test]
    fn a_secret_is_asked_for_given_and_taken_once() {
        let (secrets, hints) = (Secrets::default(), Hints::default());
        assert_eq!(secrets.awaited(RUN, &hints), None);
        assert!(secrets.take(RUN, "proxy", &hints).is_none());
        assert_eq!(
            secrets.awaited(RUN, &hints),
            Some(missing(SecretAbsence::Offline))
        );
        secrets.linked(true, &hints);
        assert_eq!(secrets.awaited(RUN, &hints), Some(Awaited::Coming));
        let asked = secrets.to_ask();
        assert!(secrets.to_ask().is_empty());

        let mut values = Values::default();
        values.insert("proxy".into(), Zeroizing::new("hunter2".into()));
        let given = seal(&values, (DEVICE, RUN), &asked[0].1).unwrap();
        secrets.answered(DEVICE, &answer("another", given.clone()), &hints);
        assert_eq!(secrets.awaited(RUN, &hints), Some(Awaited::Coming));
        secrets.answered(DEVICE, &answer(&asked[0].1, given), &hints);
        assert_eq!(secrets.awaited(RUN, &hints), None);
        let taken = secrets.take(RUN, "proxy", &hints).unwrap();
        assert_eq!(taken.get("proxy"), Some("hunter2"));
        assert!(secrets.take(RUN, "proxy", &hints).is_none());
    }

    #[test]
    fn what_cannot_be_had_is_asked_for_again_when_something_changed() {
        let (secrets, hints) = (Secrets::default(), Hints::default());
        secrets.linked(true, &hints);
        secrets.take(RUN, "proxy", &hints);
        let ask = || secrets.to_ask().pop().unwrap().1;
        let none = |reason| Answer::Unavailable {
            secret: "proxy".into(),
            reason,
        };
        secrets.answered(
            DEVICE,
            &answer(&ask(), none(SecretAbsence::Unknown)),
            &hints,
        );
        assert_eq!(
            secrets.awaited(RUN, &hints),
            Some(missing(SecretAbsence::Unknown))
        );
        secrets.changed(&hints);
        let key = ask();
        let broken = Answer::Given {
            key: key.clone(),
            values: "AAAA".into(),
        };
        secrets.answered(DEVICE, &answer(&key, broken), &hints);
        assert_eq!(
            secrets.awaited(RUN, &hints),
            Some(missing(SecretAbsence::Refused))
        );
        secrets.linked(false, &hints);
        assert_eq!(
            secrets.awaited(RUN, &hints),
            Some(missing(SecretAbsence::Offline))
        );
        secrets.retain(|_| false);
        assert_eq!(secrets.awaited(RUN, &hints), None);
    }
}
