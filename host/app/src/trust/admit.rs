//! What the gate asks: whether a release is trusted, before anything of it runs; whether what it
//! says of itself is what was signed; and, in the transaction that activates it, whether all that
//! still holds.

use super::store;
use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::application::Description;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::{ApplicationId, Digest};
use muster_release::bundle::Bundle;
use muster_release::trust::{Accepted, Admission, Release, SignedBy, Verified, refuse_replay};
use muster_storage::Connection;
use muster_storage::trust::{
    AdmissionRow, OwnerRow, admission_get, admission_list, admission_put, owner_put,
};

/// A release that is trusted, on its way through the gate.
#[derive(Debug, Clone)]
pub(crate) struct Trusted {
    verified: Verified,
    statement: Option<String>,
}

/// On what ground a plug-in was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginTrust {
    /// The ground.
    pub ground: Admission,
    /// Who signed it. Empty if nobody did.
    pub signers: Vec<SignedBy>,
}

/// The word for a ground in rows and JSON.
pub fn ground_name(ground: Admission) -> &'static str {
    match ground {
        Admission::Signed => "signed",
        Admission::Pinned => "pinned",
        Admission::Unsigned => "unsigned",
    }
}

impl App {
    /// Whether a release is trusted, whose component has this digest. Nothing of the component was
    /// looked at by then.
    pub(crate) async fn trust_verify(
        &self,
        digest: Digest,
        release: &Bundle,
    ) -> Result<Trusted, AppError> {
        let store = store(&mut *self.0.storage.read().await?).await?;
        let of = Release {
            digest,
            statement: release.statement.as_deref(),
            signatures: &release.signatures,
        };
        let verified = store.verify(&of, Timestamp::now())?;
        let statement = release
            .statement
            .as_ref()
            .filter(|_| verified.statement.is_some());
        Ok(Trusted {
            statement: statement.map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
            verified,
        })
    }

    /// On what ground a plug-in was admitted; nothing for one from before there was a trust store.
    pub async fn plugin_trust(
        &self,
        application: &ApplicationId,
        digest: Digest,
    ) -> Result<Option<PluginTrust>, AppError> {
        trust_of(&mut *self.0.storage.read().await?, application, digest).await
    }
}

pub(super) async fn trust_of(
    connection: &mut Connection,
    application: &ApplicationId,
    digest: Digest,
) -> Result<Option<PluginTrust>, AppError> {
    let row = admission_get(connection, application, digest).await?;
    row.as_ref().map(PluginTrust::read).transpose()
}

impl PluginTrust {
    pub(super) fn read(row: &AdmissionRow) -> Result<Self, AppError> {
        let unreadable = |error: serde_json::Error| {
            AppError::TrustUnreadable(super::TrustUnreadable::Row {
                table: "trust_admissions",
                what: row.digest.to_string(),
                why: error.to_string(),
            })
        };
        Ok(Self {
            ground: serde_json::from_value(row.ground.clone().into()).map_err(unreadable)?,
            signers: serde_json::from_str(&row.signers).map_err(unreadable)?,
        })
    }
}

impl Trusted {
    /// Whether the component says of itself what was signed.
    pub(crate) fn agrees(&self, description: &Description) -> Result<(), AppError> {
        match &self.verified.statement {
            Some(statement) => Ok(statement
                .agrees_with(description)
                .map_err(muster_release::trust::TrustRefusal::from)?),
            None => Ok(()),
        }
    }

    /// Keeps on what ground the component is admitted, and gives an application that is nobody's to
    /// who signed it. The store may have changed since the release was verified, so it is asked
    /// again. Returns the events that go with it.
    pub(crate) async fn admit(
        &self,
        connection: &mut Connection,
        description: &Description,
        in_use: Option<Digest>,
        downgrade: bool,
        actor: Actor,
    ) -> Result<Vec<NewEvent>, AppError> {
        let (verified, application) = (&self.verified, &description.application);
        let (now, store) = (Timestamp::now(), store(connection).await?);
        if let Some(refusal) = store.revoked(verified.digest, application, &verified.signers) {
            return Err(refusal.into());
        }
        store.refuse_other_owner(application, &verified.signers)?;
        if let Some(statement) = verified.statement.as_ref().filter(|_| !downgrade) {
            let accepted = accepted(connection, application).await?;
            refuse_replay(statement, &accepted, in_use)?;
        }
        let row = AdmissionRow {
            application: application.clone(),
            digest: verified.digest,
            version: description.version.clone(),
            ground: ground_name(verified.admission).to_owned(),
            signers: serde_json::json!(verified.signers).to_string(),
            statement: self.statement.clone(),
            stated_at: verified
                .statement
                .as_ref()
                .map(|statement| statement.created),
            admitted_at: now,
        };
        admission_put(connection, &row).await?;
        let mut events = Vec::new();
        if verified.signers.is_empty() {
            events.push(self.unsigned(application, actor.clone()));
        }
        let owner = verified
            .signers
            .first()
            .filter(|_| !store.owners.contains_key(application));
        if let Some(first) = owner {
            let owner = OwnerRow {
                application: application.clone(),
                signer: first.signer.clone(),
                since: now,
                set_by: actor.clone(),
            };
            owner_put(connection, &owner).await?;
            let text = format!(
                "Application {application} belongs to {} now, who signed its first plug-in.",
                first.signer
            );
            let event = NewEvent::new("trust.owner-set", Severity::Info, actor, text)
                .about(about(application))
                .with(serde_json::json!({ "signer": first.signer }));
            events.push(event);
        }
        Ok(events)
    }

    /// The event that tells of a plug-in that nobody signed.
    fn unsigned(&self, application: &ApplicationId, actor: Actor) -> NewEvent {
        let digest = self.verified.digest;
        let why = match self.verified.admission {
            Admission::Pinned => "its digest is pinned",
            Admission::Signed | Admission::Unsigned => "the trust policy is dev",
        };
        let text = format!(
            "The plug-in for {application} ({}) is admitted without a signature, because {why}.",
            digest.short()
        );
        NewEvent::new("plugin.unsigned", Severity::Warning, actor, text)
            .about(about(application))
            .with(serde_json::json!({
                "digest": digest,
                "ground": ground_name(self.verified.admission),
            }))
    }
}

async fn accepted(
    connection: &mut Connection,
    application: &ApplicationId,
) -> Result<Vec<Accepted>, AppError> {
    let rows = admission_list(connection, application).await?;
    let stated = rows.into_iter().filter_map(|row| {
        Some(Accepted {
            application: row.application,
            version: row.version,
            digest: row.digest,
            created: row.stated_at?,
        })
    });
    Ok(stated.collect())
}

fn about(application: &ApplicationId) -> Subject {
    Subject {
        application: Some(application.clone()),
        ..Subject::default()
    }
}
