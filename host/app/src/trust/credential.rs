//! Keys and identities: added, rotated, ended, revoked, removed.

use crate::{Administrator, App, AppError};
use jiff::{SignedDuration, Timestamp};
use muster_domain::event::{Actor, NewEvent, Severity};
use muster_domain::id::SignerName;
use muster_domain::text::is_steering;
use muster_release::signature::minisign::PublicKey;
use muster_release::signature::sigstore::Identity;
use muster_release::trust::{ApplicationPattern, Means};
use muster_storage::Connection;
use muster_storage::event::event_insert;
use muster_storage::trust::{
    CredentialRow, MeansRow, credential_delete, credential_end, credential_insert, credential_list,
    credential_revoke,
};

/// Applications that one credential may sign, at most.
const MOST_APPLICATIONS: usize = 1000;
/// Bytes of an identity's issuer or subject, at most.
const MOST_IDENTITY: usize = 1024;

/// A key or an identity to be trusted.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// Whose it is.
    pub signer: SignerName,
    /// What it is.
    pub means: NewMeans,
    /// What it may sign: at least one.
    pub applications: Vec<ApplicationPattern>,
    /// Whether its revocation lists hold for what everybody signs.
    pub authority: bool,
    /// From when on, now if left out.
    pub from: Option<Timestamp>,
    /// From when on no longer.
    pub until: Option<Timestamp>,
}

/// A key or an identity, as an administrator gives it.
#[derive(Debug, Clone)]
pub enum NewMeans {
    /// The text of a minisign public key.
    Key(String),
    /// An identity.
    Identity {
        /// Who vouches for it.
        issuer: String,
        /// Who it is; `/*` at its end stands for all that begin so.
        subject: String,
    },
}

impl App {
    /// Trusts a key or an identity, and returns its number.
    pub async fn trust_credential_add(
        &self,
        who: &Administrator,
        new: NewCredential,
    ) -> Result<i64, AppError> {
        let now = Timestamp::now();
        let row = row(new, now, who.actor())?;
        self.logged(move |connection| {
            Box::pin(async move {
                let id = add(connection, &row).await?;
                muster_crash_point::reach("trust.credential-written");
                Ok(id)
            })
        })
        .await
    }

    /// Puts a new key in the place of an older one of the same signer, for the same applications.
    /// The older one ends after `overlap`, so that what is under way can still be installed.
    pub async fn trust_credential_rotate(
        &self,
        who: &Administrator,
        number: i64,
        means: NewMeans,
        overlap: SignedDuration,
    ) -> Result<i64, AppError> {
        let (now, actor) = (Timestamp::now(), who.actor());
        self.logged(move |connection| {
            Box::pin(async move {
                let old = find(connection, number).await?;
                if old.revoked.is_some() {
                    return Err(conflict(
                        "credential-revoked",
                        format!("number {number} is revoked; add the new one with `add`"),
                    ));
                }
                let means = read_means(means)?;
                let new = CredentialRow {
                    id: 0,
                    name: name_of(&means),
                    means: to_row(means),
                    from: now,
                    until: None,
                    successor: None,
                    added_at: now,
                    added_by: actor.clone(),
                    ..old.clone()
                };
                let id = add(connection, &new).await?;
                let asked = now.checked_add(overlap).unwrap_or(now);
                let until = old.until.map_or(asked, |until| until.min(asked));
                credential_end(connection, number, until, Some(id)).await?;
                let text = format!(
                    "Signer {}: number {number} is rotated for number {id} and ends at {until}.",
                    old.signer
                );
                write(connection, now, "trust.credential-rotated", actor, text, id).await?;
                muster_crash_point::reach("trust.rotation-written");
                Ok(id)
            })
        })
        .await
    }

    /// Lets a key or an identity end at a time. What runs goes on.
    pub async fn trust_credential_expire(
        &self,
        who: &Administrator,
        number: i64,
        until: Timestamp,
    ) -> Result<(), AppError> {
        let (now, actor) = (Timestamp::now(), who.actor());
        self.logged(move |connection| {
            Box::pin(async move {
                let row = find(connection, number).await?;
                credential_end(connection, number, until, None).await?;
                let text = format!("Signer {}: number {number} ends at {until}.", row.signer);
                write(
                    connection,
                    now,
                    "trust.credential-ended",
                    actor,
                    text,
                    number,
                )
                .await
            })
        })
        .await
    }

    /// Revokes a key or an identity: nothing that it signed is admitted any more, and what runs and
    /// nobody else signed is stopped.
    pub async fn trust_credential_revoke(
        &self,
        who: &Administrator,
        number: i64,
        reason: String,
    ) -> Result<(), AppError> {
        let (now, actor) = (Timestamp::now(), who.actor());
        let reason = one_line("reason", reason, 500)?;
        self.logged(move |connection| {
            Box::pin(async move {
                let row = find(connection, number).await?;
                if !credential_revoke(connection, number, now, &reason).await? {
                    return Err(conflict(
                        "credential-revoked",
                        format!("number {number} is revoked already"),
                    ));
                }
                let text = format!(
                    "Signer {}: number {number} was revoked: {reason}",
                    row.signer
                );
                let text = crate::error::sentence(text);
                let kind = "trust.credential-revoked";
                write(connection, now, kind, actor, text, number).await?;
                muster_crash_point::reach("trust.revoked-written");
                Ok(())
            })
        })
        .await?;
        self.trust_recheck().await
    }

    /// Takes a key or an identity out of the store, also one whose row cannot be read. What it
    /// signed before goes on running; to stop that, it is revoked.
    pub async fn trust_credential_remove(
        &self,
        who: &Administrator,
        number: i64,
    ) -> Result<(), AppError> {
        let (now, actor) = (Timestamp::now(), who.actor());
        self.logged(move |connection| {
            Box::pin(async move {
                if !credential_delete(connection, number).await? {
                    return Err(unknown(number));
                }
                let text = format!("Number {number} was removed from the trust store.");
                write(
                    connection,
                    now,
                    "trust.credential-removed",
                    actor,
                    text,
                    number,
                )
                .await
            })
        })
        .await
    }
}

async fn find(connection: &mut Connection, number: i64) -> Result<CredentialRow, AppError> {
    let mut all = credential_list(connection).await?.into_iter();
    all.find(|row| row.id == number)
        .ok_or_else(|| unknown(number))
}

fn unknown(number: i64) -> AppError {
    AppError::not_found("key or identity in the trust store with number", &number)
}

async fn add(connection: &mut Connection, row: &CredentialRow) -> Result<i64, AppError> {
    let id = credential_insert(connection, row).await?;
    let text = format!(
        "Signer {}: {} is trusted as number {id} for {}{}.",
        row.signer,
        named(&row.means, &row.name),
        row.applications.join(", "),
        if row.authority {
            ", and as an authority that revokes"
        } else {
            ""
        },
    );
    let (now, actor) = (row.added_at, row.added_by.clone());
    write(connection, now, "trust.credential-added", actor, text, id).await?;
    Ok(id)
}

async fn write(
    connection: &mut Connection,
    now: Timestamp,
    kind: &str,
    actor: Actor,
    text: String,
    number: i64,
) -> Result<(), AppError> {
    let event = NewEvent::new(kind, Severity::Warning, actor, text)
        .with(serde_json::json!({ "credential": number }));
    event_insert(connection, now, &[event]).await?;
    Ok(())
}

fn row(new: NewCredential, now: Timestamp, actor: Actor) -> Result<CredentialRow, AppError> {
    let from = new.from.unwrap_or(now);
    if new.until.is_some_and(|until| until <= from) {
        return Err(invalid(
            "validity-invalid",
            "it would end before it is in force".to_owned(),
        ));
    }
    if !(1..=MOST_APPLICATIONS).contains(&new.applications.len()) {
        return Err(invalid(
            "applications-invalid",
            format!("name 1 to {MOST_APPLICATIONS} applications that it may sign"),
        ));
    }
    let means = read_means(new.means)?;
    Ok(CredentialRow {
        id: 0,
        signer: new.signer,
        name: name_of(&means),
        means: to_row(means),
        applications: new.applications.into_iter().map(String::from).collect(),
        authority: new.authority,
        from,
        until: new.until,
        successor: None,
        revoked: None,
        added_at: now,
        added_by: actor,
    })
}

fn read_means(means: NewMeans) -> Result<Means, AppError> {
    match means {
        NewMeans::Key(text) => {
            let key = PublicKey::parse(&text);
            let key = key.map_err(|error| invalid("key-invalid", error.to_string()))?;
            Ok(Means::Key(key))
        }
        NewMeans::Identity { issuer, subject } => {
            let stars = subject.matches('*').count();
            if issuer.contains('*') || stars > 1 || (stars == 1 && !subject.ends_with("/*")) {
                return Err(invalid(
                    "identity-invalid",
                    "a star may stand only at the end of a subject, behind a slash".to_owned(),
                ));
            }
            Ok(Means::Identity(Identity {
                issuer: one_line("issuer", issuer, MOST_IDENTITY)?,
                subject: one_line("subject", subject, MOST_IDENTITY)?,
            }))
        }
    }
}

/// What nobody else's is.
pub(super) fn name_of(means: &Means) -> String {
    match means {
        Means::Key(key) => key.fingerprint().to_string(),
        Means::Identity(identity) => format!("{} {}", identity.issuer, identity.subject),
    }
}

fn to_row(means: Means) -> MeansRow {
    match means {
        Means::Key(key) => MeansRow::Key(key.base64().to_owned()),
        Means::Identity(Identity { issuer, subject }) => MeansRow::Identity { issuer, subject },
    }
}

fn named(means: &MeansRow, name: &str) -> String {
    match means {
        MeansRow::Key(_) => format!("key {name}"),
        MeansRow::Identity { issuer, subject } => format!("identity {subject} of {issuer}"),
    }
}

/// A text of one line that is not empty.
pub(super) fn one_line(what: &'static str, text: String, most: usize) -> Result<String, AppError> {
    if text.trim().is_empty() || text.len() > most || text.contains(is_steering) {
        let text = format!("the {what} is one line of 1 to {most} bytes");
        return Err(invalid("value-invalid", text));
    }
    Ok(text)
}

pub(super) fn invalid(code: &'static str, text: String) -> AppError {
    AppError::Invalid { code, text }
}

fn conflict(code: &'static str, text: String) -> AppError {
    AppError::Conflict { code, text }
}
