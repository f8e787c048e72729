//! No step back: a statement that is older than what is already known is refused, however good its
//! signature. It may be the release with the hole that the next one closed.

use super::TrustRefusal;
use crate::statement::Statement;
use jiff::Timestamp;
use muster_domain::{ApplicationId, Digest};

/// A statement that was accepted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The application.
    pub application: ApplicationId,
    /// The plug-in's version.
    pub version: semver::Version,
    /// The component.
    pub digest: Digest,
    /// When the statement was created.
    pub created: Timestamp,
}

/// Refuses a statement that is older than the one in use, or than another one for the same version
/// with another component. An administrator who wants it all the same says so, and then this is
/// not asked.
pub fn refuse_replay(
    offered: &Statement,
    accepted: &[Accepted],
    in_use: Option<Digest>,
) -> Result<(), TrustRefusal> {
    let of_application = || {
        let all = accepted.iter();
        all.filter(|before| before.application == offered.application)
    };
    let newer = of_application().find(|before| {
        before.version == offered.version
            && before.digest != offered.digest
            && before.created > offered.created
    });
    if let Some(newer) = newer {
        return Err(TrustRefusal::StatementSuperseded {
            application: offered.application.clone(),
            version: offered.version.clone(),
            digest: newer.digest,
            than: newer.created,
        });
    }
    let in_use = of_application()
        .filter(|before| Some(before.digest) == in_use)
        .map(|before| before.created)
        .max();
    match in_use {
        Some(than) if offered.created < than => Err(TrustRefusal::StatementReplayed {
            application: offered.application.clone(),
            created: offered.created,
            than,
        }),
        _ => Ok(()),
    }
}
