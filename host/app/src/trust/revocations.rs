//! Revocation lists: taken from a signer in force, and held against what runs.

use super::store;
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::event::{NewEvent, Severity};
use muster_release::bundle::SignatureFile;
use muster_release::trust::{HeldList, TrustRefusal};
use muster_storage::event::event_insert;
use muster_storage::trust::{RevocationsRow, revocations_put};

impl App {
    /// Takes a signed revocation list, and stops what it revokes. One that is refused is told in
    /// the event log.
    pub async fn trust_revocations_import(
        &self,
        who: &Administrator,
        list: String,
        signatures: Vec<SignatureFile>,
    ) -> Result<HeldList, AppError> {
        let (now, actor) = (Timestamp::now(), who.actor());
        let taken = self
            .logged(move |connection| {
                Box::pin(async move {
                    let store = store(connection).await?;
                    let held = store.verify_list(list.as_bytes(), &signatures, now)?;
                    let row = RevocationsRow {
                        signer: held.signer.clone(),
                        authority: held.authority,
                        number: held.list.number,
                        list,
                        imported_at: now,
                        imported_by: actor.clone(),
                    };
                    revocations_put(connection, &row).await?;
                    let event = imported(&held, actor);
                    event_insert(connection, now, &[event]).await?;
                    muster_crash_point::reach("trust.revocations-written");
                    Ok(held)
                })
            })
            .await;
        match taken {
            Ok(held) => {
                muster_crash_point::reach("trust.revocations-committed");
                self.trust_recheck().await?;
                Ok(held)
            }
            Err(AppError::Trust(refusal)) => {
                self.refused(who, &refusal).await?;
                Err(refusal.into())
            }
            Err(error) => Err(error),
        }
    }

    async fn refused(&self, who: &Administrator, refusal: &TrustRefusal) -> Result<(), AppError> {
        let text = crate::error::sentence(format!("A revocation list was refused: {refusal}"));
        let kind = "trust.revocations-refused";
        let event = NewEvent::new(kind, Severity::Warning, who.actor(), text)
            .with(serde_json::json!({ "code": refusal.code() }));
        self.event_write(event).await
    }
}

fn imported(held: &HeldList, actor: muster_domain::event::Actor) -> NewEvent {
    let list = &held.list;
    let text = format!(
        "Revocation list {} of {} was taken: {} components, {} keys, {} identities.",
        list.number,
        held.signer,
        list.digests.len(),
        list.keys.len(),
        list.identities.len()
    );
    NewEvent::new("trust.revocations-imported", Severity::Warning, actor, text).with(
        serde_json::json!({
            "signer": held.signer,
            "number": list.number,
            "authority": held.authority,
        }),
    )
}
