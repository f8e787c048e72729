//! A device asks for the secrets of a delivery that it is about to begin.
//!
//! It gets those that the command names, if the delivery is its own, is not over and is wanted, and if
//! the settings of the task name them too: a device says which command a delivery has that it began by
//! itself, and does not get a secret of another task by saying so.

use super::key::Of;
use crate::link::LinkId;
use crate::{App, AppError};
use muster_agent_protocol::message::FromServer;
use muster_agent_protocol::secret::{Answer, DeviceSecrets, Values, seal};
use muster_domain::command::Command;
use muster_domain::delivery::{Delivery, Wanted};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::run::Run;
use muster_domain::secret::{SecretAbsence, SecretName, references};
use muster_domain::task::TaskRevision;
use muster_domain::{DeviceId, RunId};
use muster_storage::Connection;
use muster_storage::command::command_body;
use muster_storage::delivery::delivery_get;
use muster_storage::event::event_insert;
use muster_storage::run::run_get;
use muster_storage::secret::secret_sealed;
use muster_storage::task::{task_get, task_revision_get};
use std::collections::BTreeSet;

/// Bytes of all values for one command: sealed, they have to go into one message.
const MOST: usize = 256 * 1024;

/// What is found of a question.
enum Found {
    /// All that the delivery needs.
    Values { of: Run, values: Values },
    /// One that it does not get.
    None {
        of: Option<Run>,
        secret: String,
        reason: SecretAbsence,
    },
}

impl App {
    /// Answers a device that asks for the secrets of a delivery, and keeps what was answered.
    pub async fn link_secrets(
        &self,
        id: LinkId,
        asked: RunId,
        to: &str,
    ) -> Result<FromServer, AppError> {
        let device = id.device();
        let run = self.run_known_as(device, asked).await?;
        let found = match run {
            Some(run) => self.secrets_of(device, run).await?,
            None => refused(None, String::new()),
        };
        let (of, told, answer) = match found {
            Found::Values { of, values } => {
                let names = values.iter().map(|(name, _)| name.to_owned()).collect();
                // A key that is none is as good as no right to ask.
                match seal(&values, (device, asked), to) {
                    Ok(answer) => (Some(of), names, answer),
                    Err(cause) => {
                        tracing::warn!(%device, "secrets were not sealed: {cause}");
                        unavailable(Some(of), String::new(), SecretAbsence::Refused)
                    }
                }
            }
            Found::None { of, secret, reason } => unavailable(of, secret, reason),
        };
        if let Answer::Unavailable { .. } = &answer {
            self.0.vault.asked_in_vain(device);
        }
        self.secrets_told(device, of, told, &answer).await?;
        let secrets = DeviceSecrets {
            device,
            run: asked,
            to: to.chars().take(100).collect(),
            answer,
        };
        Ok(FromServer::Secrets(self.0.order_key.seal(&secrets)))
    }

    async fn secrets_of(&self, device: DeviceId, run: RunId) -> Result<Found, AppError> {
        let mut connection = self.0.storage.read().await?;
        let delivery = delivery_get(&mut connection, run, device).await?;
        let run = run_get(&mut connection, run).await?;
        let (Some(delivery), Some(run)) = (delivery, run) else {
            return Ok(refused(None, String::new()));
        };
        let wanted = wanted_by(&mut connection, &delivery).await?;
        let named = named_by(&mut connection, &run, &delivery).await?;
        let over = delivery.state.is_final() || delivery.wanted == Wanted::Stop;
        let not_named = wanted.iter().find(|name| over || !named.contains(*name));
        if let Some(name) = not_named {
            return Ok(refused(Some(run), name.clone()));
        }
        let mut values = Values::default();
        let mut size = 0;
        for name in wanted {
            let known: Option<SecretName> = name.parse().ok();
            let sealed = secret_sealed(&mut connection, &name).await?;
            let (Some(known), Some((version, sealed))) = (known, sealed) else {
                return Ok(Found::None {
                    of: Some(run),
                    secret: name,
                    reason: SecretAbsence::Unknown,
                });
            };
            let of = Of::Secret(&known, version);
            let value = self
                .0
                .vault
                .key
                .open(of, &sealed)
                .map_err(AppError::Vault)?;
            size += value.len();
            if size > MOST {
                tracing::warn!(%device, run = %run.id, "a command needs more than {MOST} bytes of secrets");
                return Ok(refused(Some(run), name));
            }
            values.insert(name, value);
        }
        Ok(Found::Values { of: run, values })
    }

    async fn secrets_told(
        &self,
        device: DeviceId,
        of: Option<Run>,
        secrets: Vec<String>,
        answer: &Answer,
    ) -> Result<(), AppError> {
        let listed = secrets.join(", ");
        let (kind, severity, text) = match answer {
            Answer::Given { .. } => (
                "secret.given",
                Severity::Info,
                format!("Device {device} was given what a delivery needs of the vault: {listed}."),
            ),
            Answer::Unavailable {
                reason: SecretAbsence::Refused,
                ..
            } => (
                "secret.refused",
                Severity::Warning,
                format!("Device {device} asked for secrets that it is not given: {listed}."),
            ),
            Answer::Unavailable { .. } => (
                "secret.missing",
                Severity::Warning,
                format!("Device {device} asked for a secret that is not there: {listed}."),
            ),
        };
        let event = NewEvent::new(kind, severity, Actor::Device(device), text)
            .about(Subject {
                device: Some(device),
                run: of.as_ref().map(|run| run.id),
                task: of.as_ref().map(|run| run.task),
                ..Subject::default()
            })
            .with(serde_json::json!({ "secrets": secrets }));
        self.logged(move |connection| {
            Box::pin(async move {
                event_insert(connection, muster_clock::now(), &[event]).await?;
                muster_crash_point::reach("secret.given-before-commit");
                Ok(())
            })
        })
        .await
    }
}

fn refused(of: Option<Run>, secret: String) -> Found {
    Found::None {
        of,
        secret,
        reason: SecretAbsence::Refused,
    }
}

fn unavailable(
    of: Option<Run>,
    secret: String,
    reason: SecretAbsence,
) -> (Option<Run>, Vec<String>, Answer) {
    let told = Some(secret.clone()).filter(|secret| !secret.is_empty());
    (
        of,
        told.into_iter().collect(),
        Answer::Unavailable { secret, reason },
    )
}

/// What the command of a delivery needs.
async fn wanted_by(
    connection: &mut Connection,
    delivery: &Delivery,
) -> Result<BTreeSet<String>, AppError> {
    let body = match delivery.command {
        Some(hash) => command_body(connection, hash).await?,
        None => None,
    };
    let command: Option<Command> = body.and_then(|body| serde_json::from_str(&body).ok());
    let secrets = command.iter().flat_map(Command::secrets);
    Ok(secrets.map(str::to_owned).collect())
}

/// What the settings that a delivery carries out name. Of one that a device may have begun by itself
/// the newest must name it, too: which revision it was is the device's word.
async fn named_by(
    connection: &mut Connection,
    run: &Run,
    delivery: &Delivery,
) -> Result<BTreeSet<String>, AppError> {
    let of = |revision: &TaskRevision| -> BTreeSet<String> {
        let found = references(&revision.settings.to_value());
        found.into_iter().map(|reference| reference.name).collect()
    };
    let revision = task_revision_get(connection, run.task, run.revision).await?;
    let named = revision.as_ref().map(of).unwrap_or_default();
    if delivery.known_as.is_none() && run.occurrence.is_none() {
        return Ok(named);
    }
    let newest = task_get(connection, run.task).await?;
    let newest = newest.as_ref().map(|task| of(&task.revision));
    Ok(&named & &newest.unwrap_or_default())
}
