//! Whose an application is: its first signer's, until an administrator moves it.

use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::ApplicationId;
use muster_domain::event::{NewEvent, Severity, Subject};
use muster_domain::id::SignerName;
use muster_storage::event::event_insert;
use muster_storage::trust::{OwnerRow, credential_list, owner_delete, owner_list, owner_put};

impl App {
    /// Gives an application to another signer.
    pub async fn trust_owner_move(
        &self,
        who: &Administrator,
        application: ApplicationId,
        signer: SignerName,
    ) -> Result<OwnerRow, AppError> {
        let (now, actor) = (Timestamp::now(), who.actor());
        self.logged(move |connection| {
            Box::pin(async move {
                let known = credential_list(connection).await?;
                if !known.iter().any(|credential| credential.signer == signer) {
                    return Err(AppError::not_found("signer in the trust store", &signer));
                }
                let mut owners = owner_list(connection).await?.into_iter();
                let before = owners.find(|owner| owner.application == application);
                let row = OwnerRow {
                    application: application.clone(),
                    signer: signer.clone(),
                    since: now,
                    set_by: actor.clone(),
                };
                owner_put(connection, &row).await?;
                let before = before.map(|owner| owner.signer);
                let text = match &before {
                    Some(before) => format!(
                        "Application {application} belongs to {signer} now; it was {before}'s."
                    ),
                    None => format!("Application {application} belongs to {signer} now."),
                };
                let event = NewEvent::new("trust.owner-moved", Severity::Warning, actor, text)
                    .about(Subject {
                        application: Some(application),
                        ..Subject::default()
                    })
                    .with(serde_json::json!({ "signer": signer, "before": before }));
                event_insert(connection, now, &[event]).await?;
                muster_crash_point::reach("trust.owner-written");
                Ok(row)
            })
        })
        .await
    }

    /// Takes an application from its owner, so that it is nobody's. The next signed plug-in for it
    /// gives it an owner again.
    pub async fn trust_owner_release(
        &self,
        who: &Administrator,
        application: ApplicationId,
    ) -> Result<(), AppError> {
        let (now, actor) = (Timestamp::now(), who.actor());
        self.logged(move |connection| {
            Box::pin(async move {
                let mut owners = owner_list(connection).await?.into_iter();
                let before = owners
                    .find(|owner| owner.application == application)
                    .ok_or_else(|| AppError::not_found("owner of application", &application))?
                    .signer;
                owner_delete(connection, &application).await?;
                let text = format!("Application {application} is nobody's now; it was {before}'s.");
                let event = NewEvent::new("trust.owner-released", Severity::Warning, actor, text)
                    .about(Subject {
                        application: Some(application),
                        ..Subject::default()
                    })
                    .with(serde_json::json!({ "before": before }));
                event_insert(connection, now, &[event]).await?;
                muster_crash_point::reach("trust.owner-release-written");
                Ok(())
            })
        })
        .await
    }
}
