//! Enrollment: an administrator makes a token, a device turns it into a certificate.

use crate::device::check_name;
use crate::place::{Tree, device_find};
use crate::{Administrator, App, AppError};
use jiff::{SignedDuration, Timestamp};
use muster_agent_protocol::order::OrderPublicKey;
use muster_domain::device::Facts;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::{DeviceId, Digest, GroupId};
use muster_storage::device::{device_certificate_set, device_get, device_insert};
use muster_storage::enrollment::{
    enrollment_token_get, enrollment_token_insert, enrollment_token_use,
};
use muster_storage::event::event_insert;
use muster_storage::lineage::lineage_forget;
use muster_storage::{Connection, StorageError};

const DEFAULT_VALID_FOR: u32 = 24 * 3600;
const MOST_VALID_FOR: u32 = 30 * 24 * 3600;

/// A device that asks to be taken in.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// Digest of its token's secret.
    pub token: Digest,
    /// The name that it wants.
    pub name: String,
    /// Digest of its public key.
    pub key: Digest,
    /// What it is.
    pub facts: Facts,
}

impl App {
    /// Makes a token's secret known by its digest. It enrolls one device into a group, or one that is
    /// there again. Returns when it ends.
    pub async fn enrollment_token_create(
        &self,
        who: &Administrator,
        secret: Digest,
        (group, device): (Option<String>, Option<String>),
        valid_for: Option<u32>,
    ) -> Result<Timestamp, AppError> {
        let seconds = valid_for.unwrap_or(DEFAULT_VALID_FOR);
        if !(1..=MOST_VALID_FOR).contains(&seconds) {
            return Err(AppError::Invalid {
                code: "valid-for-invalid",
                text: format!("a token is valid for 1 to {MOST_VALID_FOR} seconds, not {seconds}"),
            });
        }
        if group.is_some() && device.is_some() {
            return Err(AppError::Invalid {
                code: "enrollment-token-of-both",
                text: "a token is for a group, or for a device that is there, which stays in its \
                       group"
                    .into(),
            });
        }
        let now = Timestamp::now();
        let valid_until = now + SignedDuration::from_secs(seconds.into());
        let actor = who.actor();
        self.logged(move |connection| {
            Box::pin(async move {
                let tree = Tree::read(connection).await?;
                let device = match &device {
                    Some(reference) => Some(device_find(connection, reference).await?),
                    None => None,
                };
                let path = group.as_deref().unwrap_or("/");
                let group = match &device {
                    Some(device) => device.group,
                    None => tree
                        .find(path)
                        .ok_or_else(|| AppError::not_found("group", &path))?,
                };
                let of = (group, device.as_ref().map(|device| device.id));
                enrollment_token_insert(connection, secret, of, valid_until, now, &actor).await?;
                let what = match &device {
                    Some(device) => format!("device {}", device.name),
                    None => format!("group {}", tree.path(group)),
                };
                let text = format!(
                    "An enrollment token for {what} was made, valid until {valid_until:.0}."
                );
                let event = NewEvent::new("enrollment-token.created", Severity::Info, actor, text)
                    .about(Subject {
                        group: Some(group),
                        device: of.1,
                        ..Subject::default()
                    });
                event_insert(connection, now, &[event]).await?;
                Ok(())
            })
        })
        .await?;
        Ok(valid_until)
    }

    /// Takes a device in. `certify` makes its certificate and gives it back with its digest; it is
    /// called within the transaction, so that a device without a certificate is never left behind.
    /// The same device may ask again with the same token and key, if the answer was lost. Whoever had
    /// the identity of a device that is enrolled again loses its link.
    pub async fn enroll<C, F>(
        &self,
        applicant: Applicant,
        certify: F,
    ) -> Result<(DeviceId, C), AppError>
    where
        C: Send + 'static,
        F: FnOnce(DeviceId) -> Result<(C, Digest), AppError> + Send + 'static,
    {
        check_name(&applicant.name)?;
        let refused = applicant.name.clone();
        let result = self
            .logged(move |connection| Box::pin(enroll(connection, applicant, certify)))
            .await;
        if let Err(error @ AppError::Denied { .. }) = &result {
            let text = format!("A device that calls itself {refused} was not enrolled: {error}.");
            let event = NewEvent::new("enrollment.refused", Severity::Warning, Actor::Server, text);
            self.event_write(event).await?;
        }
        if let Ok((device, _)) = &result {
            let text = "the device was enrolled again and has another certificate now";
            self.0.links.refuse(*device, "certificate-replaced", text);
        }
        result
    }

    /// The key by which devices know orders.
    pub fn order_public_key(&self) -> OrderPublicKey {
        self.0.order_key.public()
    }
}

async fn enroll<C, F>(
    connection: &mut Connection,
    applicant: Applicant,
    certify: F,
) -> Result<(DeviceId, C), AppError>
where
    F: FnOnce(DeviceId) -> Result<(C, Digest), AppError>,
{
    let Applicant {
        token,
        name,
        key,
        facts,
    } = applicant;
    let now = Timestamp::now();
    let row = enrollment_token_get(connection, token)
        .await?
        .ok_or_else(|| {
            denied(
                "enrollment-token-unknown",
                "no such enrollment token; ask an administrator for one",
            )
        })?;
    if row.valid_until < now {
        let text = "the enrollment token has ended; ask an administrator for a new one";
        return Err(denied("enrollment-token-expired", text));
    }
    let device = match row.used {
        None => match row.for_device {
            Some(device) => admit_again(connection, device, now).await?,
            None => admit(connection, &name, row.group, &facts, now).await?,
        },
        Some((device, used_by)) if used_by == key => device,
        Some(_) => {
            let text = "the enrollment token was used already; each one enrolls one device";
            return Err(denied("enrollment-token-used", text));
        }
    };
    let (certificate, digest) = certify(device)?;
    device_certificate_set(connection, device, digest).await?;
    enrollment_token_use(connection, token, device, key).await?;
    muster_crash_point::reach("enroll.before-commit");
    Ok((device, certificate))
}

async fn admit(
    connection: &mut Connection,
    name: &str,
    group: GroupId,
    facts: &Facts,
    now: Timestamp,
) -> Result<DeviceId, AppError> {
    let device = match device_insert(connection, name, group, facts, now).await {
        Err(StorageError::Constraint("device_name_taken")) => {
            return Err(AppError::Conflict {
                code: "device-name-taken",
                text: format!(
                    "a device is called {name} already; if it is this one, ask an administrator for \
                     a token that enrolls it again (`muster device enroll-token --device {name}`), \
                     else choose another name with --name"
                ),
            });
        }
        device => device?,
    };
    let event = NewEvent::new(
        "device.enrolled",
        Severity::Info,
        Actor::Device(device),
        format!("Device {name} was enrolled."),
    )
    .about(Subject {
        device: Some(device),
        group: Some(group),
        ..Subject::default()
    });
    event_insert(connection, now, &[event]).await?;
    Ok(device)
}

/// Takes a device in that is there: with a new agent, or told from a copy of itself. Its number, name,
/// group and history stay.
async fn admit_again(
    connection: &mut Connection,
    device: DeviceId,
    now: Timestamp,
) -> Result<DeviceId, AppError> {
    let Some(known) = device_get(connection, device).await? else {
        let text = "the device that the enrollment token is for was removed; ask an administrator \
                    for a token for a new one";
        return Err(denied("enrollment-token-device", text));
    };
    lineage_forget(connection, device).await?;
    let text = format!("Device {} was enrolled again.", known.name);
    let actor = Actor::Device(device);
    let event = NewEvent::new("device.enrolled-again", Severity::Info, actor, text);
    let subject = Subject {
        device: Some(device),
        ..Subject::default()
    };
    event_insert(connection, now, &[event.about(subject)]).await?;
    Ok(device)
}

fn denied(code: &'static str, text: &str) -> AppError {
    AppError::Denied {
        code,
        text: text.into(),
    }
}
