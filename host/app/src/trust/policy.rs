//! The policy, the trusted root of Sigstore, and the components that are allowed without a
//! signature.

use super::credential::invalid;
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::Digest;
use muster_domain::event::{NewEvent, Severity};
use muster_release::signature::sigstore::TrustedRoot;
use muster_release::trust::Policy;
use muster_storage::event::event_insert;
use muster_storage::trust::{
    PinRow, pin_delete, pin_insert, trust_policy_set, trust_root_set, trust_settings,
};

impl App {
    /// Sets what happens to releases without a signature. It holds for what is installed from now
    /// on.
    pub async fn trust_policy_set(
        &self,
        who: &Administrator,
        policy: Policy,
    ) -> Result<(), AppError> {
        let actor = who.actor();
        self.logged(move |connection| {
            Box::pin(async move {
                let before = trust_settings(connection).await?.policy;
                trust_policy_set(connection, policy.name()).await?;
                let severity = match policy {
                    Policy::Required | Policy::Pinned => Severity::Warning,
                    Policy::Dev => Severity::Critical,
                };
                let text = format!("The trust policy is now {policy}; it was {before}.");
                let event = NewEvent::new("trust.policy-set", severity, actor, text)
                    .with(serde_json::json!({ "policy": policy, "before": before }));
                event_insert(connection, Timestamp::now(), &[event]).await?;
                muster_crash_point::reach("trust.policy-written");
                Ok(())
            })
        })
        .await
    }

    /// Sets the authorities and logs that Sigstore bundles must lead to, or takes them away.
    pub async fn trust_root_set(
        &self,
        who: &Administrator,
        root: Option<String>,
    ) -> Result<(), AppError> {
        if let Some(root) = &root {
            TrustedRoot::parse(root)
                .map_err(|error| invalid("trusted-root-invalid", error.to_string()))?;
        }
        let actor = who.actor();
        self.logged(move |connection| {
            Box::pin(async move {
                trust_root_set(connection, root.as_deref()).await?;
                let (kind, text) = match &root {
                    Some(root) => (
                        "trust.root-set",
                        format!("Sigstore's trusted root is now {}.", Digest::of(root)),
                    ),
                    None => (
                        "trust.root-removed",
                        "Sigstore's trusted root is gone.".into(),
                    ),
                };
                let event = NewEvent::new(kind, Severity::Warning, actor, text);
                event_insert(connection, Timestamp::now(), &[event]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Allows a component without a signature, where the policy is `pinned`.
    pub async fn trust_pin(&self, who: &Administrator, digest: Digest) -> Result<(), AppError> {
        let (now, actor) = (Timestamp::now(), who.actor());
        self.logged(move |connection| {
            Box::pin(async move {
                let pin = PinRow {
                    digest,
                    pinned_at: now,
                    pinned_by: actor.clone(),
                };
                if pin_insert(connection, &pin).await? {
                    let text = format!("Component {digest} is allowed without a signature.");
                    let event = NewEvent::new("trust.pinned", Severity::Warning, actor, text);
                    let event = event.with(serde_json::json!({ "digest": digest }));
                    event_insert(connection, now, &[event]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Allows a component without a signature no longer. One that is installed stays.
    pub async fn trust_unpin(&self, who: &Administrator, digest: Digest) -> Result<(), AppError> {
        let (now, actor) = (Timestamp::now(), who.actor());
        self.logged(move |connection| {
            Box::pin(async move {
                if !pin_delete(connection, digest).await? {
                    return Err(AppError::not_found("pinned component", &digest));
                }
                let text = format!("Component {digest} is no longer allowed without a signature.");
                let event = NewEvent::new("trust.unpinned", Severity::Warning, actor, text);
                let event = event.with(serde_json::json!({ "digest": digest }));
                event_insert(connection, now, &[event]).await?;
                Ok(())
            })
        })
        .await
    }
}
