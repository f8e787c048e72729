//! Lineage: two agents with one identity are told apart.
//!
//! A device's agent can come to be there twice: a disk is cloned, a data folder is copied. Two things
//! give it away. Somebody else is there: a second link is asked for while the first one answers. And
//! the marks: an agent's store takes a new mark with each link, so of two copies of a store one shows
//! a mark that the other has left behind. An agent that was put back to an earlier state does so as
//! well, and cannot be told from a copy before the other one is seen: it is taken in, told of, and
//! counts its news anew. When a mark comes back that was passed by such a one, there are two.

use crate::link::LinkError;
use crate::{App, AppError};
use jiff::Timestamp;
use muster_agent_protocol::message::Hello;
use muster_domain::DeviceId;
use muster_domain::device::Facts;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::text::plain;
use muster_storage::Connection;
use muster_storage::device::device_names;
use muster_storage::event::event_insert;
use muster_storage::lineage::{
    Lineage, lineage_get, lineage_is_refused, lineage_pass, lineage_passed, lineage_refuse,
    lineage_take,
};
use serde_json::{Value, json};
use std::time::Duration;

/// So long an agent may take for a sign of life before its link counts as lost.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// The code of a refusal.
const CLONED: &str = "device-cloned";

/// What is known of an agent that asks for a link.
#[derive(Debug, Clone)]
pub(crate) struct Bearer(Value);

impl Bearer {
    pub(crate) fn new(hello: &Hello, address: &str) -> Self {
        let fact = |name: &str| hello.facts.more.get(name).map(|value| plain(value));
        Self(json!({
            "host": fact("host.name"),
            "network": fact(Facts::WAKE),
            "address": address,
            "agent": plain(&hello.facts.agent_version),
            "store": plain(&hello.store),
            "came": muster_clock::now(),
        }))
    }

    /// In words, for an event.
    fn told(bearer: &Value) -> String {
        let text = |name: &str| {
            bearer
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or("unknown")
        };
        let came = text("came").parse::<Timestamp>();
        let came = came.map_or_else(|_| "at an unknown time".into(), |came| format!("{came:.0}"));
        format!(
            "host {} at {}, linked {came}",
            text("host"),
            text("address")
        )
    }
}

/// Why an agent is the second one.
#[derive(Debug, Clone, Copy)]
enum Proof {
    /// The first one answered.
    BothLinked,
    /// It shows a mark that another's older state took the place of.
    BothCame,
}

impl App {
    /// Whether the agent is the one that has the device's identity; true if it comes with an older
    /// state than that one had. A second one is refused.
    pub(crate) async fn lineage_check(
        &self,
        hello: &Hello,
        bearer: &Bearer,
    ) -> Result<bool, LinkError> {
        let device = hello.device;
        let (known, passed, refused) = {
            let mut connection = self.0.storage.read().await.map_err(AppError::from)?;
            known(&mut connection, hello).await?
        };
        if refused {
            return Err(self.lineage_refused(device).await?);
        }
        let somebody = match self.0.links.get(device) {
            Some(other) => {
                let answer = tokio::time::timeout(SIGN_OF_LIFE, other.probe()).await;
                matches!(answer, Ok(Ok(())))
            }
            None => false,
        };
        let kept = known.as_ref().map(|known| known.bearer.clone());
        if somebody {
            return Err(self.cloned(hello, kept, bearer, Proof::BothLinked).await?);
        }
        if passed.is_some() {
            return Err(self.cloned(hello, kept, bearer, Proof::BothCame).await?);
        }
        let (Some(known), Some(lineage)) = (known, &hello.lineage) else {
            return Ok(false);
        };
        let expected = lineage.last.as_ref() == Some(&known.mark) || lineage.next == known.mark;
        Ok(!expected)
    }

    async fn lineage_refused(&self, device: DeviceId) -> Result<LinkError, AppError> {
        let text = format!(
            "device {device} is another machine with the same identity; enroll this one with a \
             token of its own (`muster-agent enroll --again`)"
        );
        let event = NewEvent::new(
            "link.refused",
            Severity::Warning,
            Actor::Device(device),
            format!("A link was refused: {text}."),
        );
        let event = event.about(about(device)).with(json!({ "code": CLONED }));
        self.event_write(event).await?;
        Ok(LinkError::Refused { code: CLONED, text })
    }

    /// Tells that there are two, and refuses the second one from now on.
    async fn cloned(
        &self,
        hello: &Hello,
        kept: Option<Value>,
        refused: &Bearer,
        proof: Proof,
    ) -> Result<LinkError, AppError> {
        let device = hello.device;
        let (next, refused) = (
            hello.lineage.as_ref().map(|lineage| lineage.next.clone()),
            refused.0.clone(),
        );
        self.logged(move |connection| {
            Box::pin(async move {
                if let Some(next) = &next {
                    lineage_refuse(connection, device, next).await?;
                }
                let name = name(connection, device).await?;
                let event = cloned_event((device, &name), kept.as_ref(), &refused, proof);
                event_insert(connection, muster_clock::now(), &[event]).await?;
                Ok(())
            })
        })
        .await?;
        let text = format!(
            "device {device} is another machine with the same identity, which was here before; \
             enroll this one with a token of its own (`muster-agent enroll --again`)"
        );
        Ok(LinkError::Refused { code: CLONED, text })
    }
}

type Known = (Option<Lineage>, Option<Lineage>, bool);

async fn known(connection: &mut Connection, hello: &Hello) -> Result<Known, AppError> {
    let device = hello.device;
    let known = lineage_get(connection, device).await?;
    let Some(lineage) = &hello.lineage else {
        return Ok((known, None, false));
    };
    let refused = lineage_is_refused(connection, device, &lineage.next).await?;
    let passed = match &lineage.last {
        Some(last) => lineage_passed(connection, device, last).await?,
        None => None,
    };
    Ok((known, passed, refused))
}

/// The agent has the device's identity from here on, within the transaction that begins its link.
pub(crate) async fn lineage_begin(
    connection: &mut Connection,
    hello: &Hello,
    bearer: &Bearer,
    older: bool,
) -> Result<(), AppError> {
    let (device, Some(lineage)) = (hello.device, &hello.lineage) else {
        return Ok(());
    };
    if older {
        let before = lineage_get(connection, device).await?;
        lineage_pass(connection, device).await?;
        let name = name(connection, device).await?;
        let lost = lineage.last.is_none();
        let before = before.as_ref().map(|before| &before.bearer);
        let event = restored_event((device, &name), before, bearer, lost);
        event_insert(connection, muster_clock::now(), &[event]).await?;
    }
    let taken = Lineage {
        mark: lineage.next.clone(),
        bearer: bearer.0.clone(),
    };
    Ok(lineage_take(connection, device, &taken).await?)
}

async fn name(connection: &mut Connection, device: DeviceId) -> Result<String, AppError> {
    let names = device_names(connection, &[device]).await?;
    let name = names.into_iter().next().map(|(_, name)| name);
    Ok(name.unwrap_or_else(|| device.to_string()))
}

fn about(device: DeviceId) -> Subject {
    Subject {
        device: Some(device),
        ..Subject::default()
    }
}

fn cloned_event(
    (device, name): (DeviceId, &str),
    kept: Option<&Value>,
    refused: &Value,
    proof: Proof,
) -> NewEvent {
    let how = match proof {
        Proof::BothLinked => "both are linked at once",
        Proof::BothCame => "each came back with what the other does not know",
    };
    let first = kept.map_or_else(|| "unknown".into(), Bearer::told);
    let second = Bearer::told(refused);
    let text = format!(
        "Device {name} is there twice: {how}. Kept: {first}. Refused: {second}; it starts no task \
         until it is enrolled again. If both are to be managed, make a token for a new device \
         (`muster device enroll-token`) and run `muster-agent enroll --again` on the refused one; if \
         the refused one is the right one, use `muster device enroll-token --device {name}`."
    );
    let proof = match proof {
        Proof::BothLinked => "both-linked",
        Proof::BothCame => "both-came",
    };
    NewEvent::new("device.cloned", Severity::Critical, Actor::Server, text)
        .about(about(device))
        .with(json!({ "kept": kept, "refused": refused, "proof": proof }))
}

fn restored_event(
    (device, name): (DeviceId, &str),
    before: Option<&Value>,
    now: &Bearer,
    lost: bool,
) -> NewEvent {
    let what = if lost {
        "without the state that its agent had"
    } else {
        "with an earlier state of its agent"
    };
    let first = before.map_or_else(|| "unknown".into(), Bearer::told);
    let second = Bearer::told(&now.0);
    let text = format!(
        "Device {name} came {what}: it was put back from a copy, or this is another machine with \
         the same identity. Now: {second}. Before: {first}. If the one from before comes again, one \
         of them is refused."
    );
    let reason = if lost { "state-lost" } else { "earlier-state" };
    NewEvent::new("device.restored", Severity::Warning, Actor::Server, text)
        .about(about(device))
        .with(json!({ "before": before, "now": now.0, "reason": reason }))
}
