//! Secrets, as administrators see them: who set them and when, and which tasks name them.

use super::key::Of;
use crate::{Administrator, App, AppError};
use muster_agent_protocol::message::FromServer;
use muster_domain::TaskId;
use muster_domain::event::{NewEvent, Severity};
use muster_domain::secret::SecretName;
use muster_storage::event::event_insert;
use muster_storage::secret::{
    SecretRow, secret_delete, secret_get, secret_list, secret_put, secret_references,
};
use zeroize::Zeroizing;

/// Bytes of a value. Shorter ones could not be told from anything else in what a program puts out.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=64 * 1024;

/// A secret, without its value.
#[derive(Debug, Clone)]
pub struct SecretDetail {
    /// What is told of it.
    pub row: SecretRow,
    /// The tasks whose settings name it.
    pub tasks: Vec<(TaskId, String)>,
}

impl App {
    /// Every secret, by name.
    pub async fn secret_list(&self, _who: &Administrator) -> Result<Vec<SecretDetail>, AppError> {
        let mut connection = self.0.storage.read().await?;
        let rows = secret_list(&mut connection).await?;
        let named = secret_references(&mut connection).await?;
        Ok(rows.into_iter().map(|row| detail(row, &named)).collect())
    }

    /// A secret.
    pub async fn secret_get(
        &self,
        _who: &Administrator,
        name: &str,
    ) -> Result<SecretDetail, AppError> {
        let mut connection = self.0.storage.read().await?;
        let row = secret_get(&mut connection, name).await?;
        let row = row.ok_or_else(|| AppError::not_found("secret", name))?;
        Ok(detail(row, &secret_references(&mut connection).await?))
    }

    /// Makes a secret, or gives one another value. Says whether it is new. Deliveries that begin from
    /// now on get the new value.
    pub async fn secret_set(
        &self,
        who: &Administrator,
        name: &str,
        value: Zeroizing<String>,
    ) -> Result<bool, AppError> {
        let name = secret_name(name)?;
        check_value(&value)?;
        let actor = who.actor();
        let app = self.clone();
        let created = self
            .logged(move |connection| {
                Box::pin(async move {
                    let now = muster_clock::now();
                    let before = secret_get(connection, name.as_str()).await?;
                    let row = match &before {
                        Some(before) => SecretRow {
                            version: before.version.saturating_add(1),
                            changed_at: now,
                            changed_by: actor.clone(),
                            ..before.clone()
                        },
                        None => SecretRow {
                            name: name.clone(),
                            version: 1,
                            created_at: now,
                            created_by: actor.clone(),
                            changed_at: now,
                            changed_by: actor.clone(),
                        },
                    };
                    let of = Of::Secret(&name, row.version);
                    let sealed = app.0.vault.key.seal(of, &value).map_err(AppError::Vault)?;
                    secret_put(connection, &row, &sealed).await?;
                    let (kind, text) = match before {
                        None => ("secret.created", format!("Secret {name} was created.")),
                        Some(_) => (
                            "secret.changed",
                            format!(
                                "Secret {name} was given another value, version {}.",
                                row.version
                            ),
                        ),
                    };
                    let event = NewEvent::new(kind, Severity::Info, actor, text)
                        .with(serde_json::json!({ "secret": name, "version": row.version }));
                    event_insert(connection, now, &[event]).await?;
                    muster_crash_point::reach("secret.before-commit");
                    Ok(before.is_none())
                })
            })
            .await?;
        for device in self.0.vault.take_in_vain() {
            self.0.links.send(device, FromServer::SecretsChanged);
        }
        Ok(created)
    }

    /// Removes a secret. While tasks name it, only by force: their deliveries wait then until there is
    /// one of this name again.
    pub async fn secret_remove(
        &self,
        who: &Administrator,
        name: String,
        force: bool,
    ) -> Result<(), AppError> {
        let actor = who.actor();
        self.logged(move |connection| {
            Box::pin(async move {
                let row = secret_get(connection, &name).await?;
                let row = row.ok_or_else(|| AppError::not_found("secret", &name))?;
                let detail = detail(row, &secret_references(connection).await?);
                if !detail.tasks.is_empty() && !force {
                    return Err(in_use(&name, &detail.tasks));
                }
                secret_delete(connection, &name).await?;
                let (severity, text) = match detail.tasks.as_slice() {
                    [] => (Severity::Info, format!("Secret {name} was removed.")),
                    tasks => (
                        Severity::Warning,
                        format!(
                            "Secret {name} was removed though {} name it.",
                            count(tasks.len())
                        ),
                    ),
                };
                let tasks: Vec<TaskId> = detail.tasks.iter().map(|(id, _)| *id).collect();
                let event = NewEvent::new("secret.removed", severity, actor, text)
                    .with(serde_json::json!({ "secret": name, "tasks": tasks }));
                event_insert(connection, muster_clock::now(), &[event]).await?;
                Ok(())
            })
        })
        .await
    }
}

fn detail(row: SecretRow, named: &[(TaskId, String, Vec<String>)]) -> SecretDetail {
    let is_among = |secrets: &[String]| secrets.iter().any(|secret| secret == row.name.as_str());
    let tasks = named
        .iter()
        .filter(|(_, _, secrets)| is_among(secrets))
        .map(|(id, name, _)| (*id, name.clone()))
        .collect();
    SecretDetail { row, tasks }
}

fn in_use(name: &str, tasks: &[(TaskId, String)]) -> AppError {
    let first: Vec<String> = tasks
        .iter()
        .take(5)
        .map(|(id, name)| format!("{id} ({name})"))
        .collect();
    let more = if tasks.len() > 5 { ", …" } else { "" };
    AppError::Conflict {
        code: "secret-in-use",
        text: format!(
            "secret {name:?} is named by {}: {}{more}; change them first, or remove it by force: what needs it \
             waits then",
            count(tasks.len()),
            first.join(", ")
        ),
    }
}

fn count(tasks: usize) -> String {
    match tasks {
        1 => "1 task".to_owned(),
        more => format!("{more} tasks"),
    }
}

fn secret_name(name: &str) -> Result<SecretName, AppError> {
    if muster_domain::secret::scan_text(name).is_some() {
        return Err(AppError::Invalid {
            code: "secret-name-invalid",
            text:
                "this name looks like a secret itself; names are shown, values go by standard input"
                    .to_owned(),
        });
    }
    name.parse().map_err(
        |error: muster_domain::secret::InvalidSecretName| AppError::Invalid {
            code: "secret-name-invalid",
            text: error.to_string(),
        },
    )
}

/// The value is not in what is said of it.
fn check_value(value: &str) -> Result<(), AppError> {
    let invalid = |text: String| AppError::Invalid {
        code: "secret-value-invalid",
        text,
    };
    if !LENGTH.contains(&value.len()) {
        return Err(invalid(format!(
            "a secret has {} to {} bytes; this one has {}",
            LENGTH.start(),
            LENGTH.end(),
            value.len()
        )));
    }
    if value.contains('\0') {
        let text = "a secret is a text without zero bytes, which no program could be given";
        return Err(invalid(text.to_owned()));
    }
    Ok(())
}
