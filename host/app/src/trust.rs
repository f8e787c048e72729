//! Whom the server trusts: the store as an administrator sees and changes it, and what the gate and
//! the running plug-ins ask of it.
//!
//! The rules are in `muster-release`; here are the rows, the events and the moments. The store is
//! read whole each time, and a row that cannot be read refuses everything that asks: half a trust
//! store would be one without its revocations.

mod admit;
mod credential;
mod owner;
mod policy;
mod revocations;
mod running;

pub(crate) use admit::Trusted;
pub use admit::{PluginTrust, ground_name};
pub use credential::{NewCredential, NewMeans};
pub use running::TrustMarks;

use crate::{Administrator, App, AppError};
use muster_release::revocation::RevocationList;
use muster_release::signature::minisign::PublicKey;
use muster_release::signature::sigstore::{Identity, TrustedRoot};
use muster_release::trust::{Credential, CredentialRevoked, HeldList, Means, TrustStore};
use muster_storage::trust::{
    CredentialRow, MeansRow, OwnerRow, PinRow, RevocationsRow, credential_list, owner_list,
    pin_list, revocations_list, trust_settings,
};
use muster_storage::{Connection, StorageError};

/// Why the trust store cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TrustUnreadable {
    /// The database says so.
    #[error("the database does not give it")]
    Storage(#[source] StorageError),
    /// What a row holds is not what it should be.
    #[error("{what} in {table}: {why}")]
    Row {
        /// The table.
        table: &'static str,
        /// Which row.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The trust store with who changed what.
#[derive(Debug)]
pub struct TrustOverview {
    /// The store.
    pub store: TrustStore,
    /// The keys and identities, in the same order.
    pub credentials: Vec<CredentialRow>,
    /// Whose each application is.
    pub owners: Vec<OwnerRow>,
    /// The newest revocation lists.
    pub revocations: Vec<RevocationsRow>,
    /// The components that are allowed without a signature.
    pub pins: Vec<PinRow>,
}

impl App {
    /// The whole trust store.
    pub async fn trust_show(&self, _who: &Administrator) -> Result<TrustOverview, AppError> {
        overview(&mut *self.0.storage.read().await?).await
    }
}

/// The store as it stands in a transaction.
pub(crate) async fn store(connection: &mut Connection) -> Result<TrustStore, AppError> {
    Ok(overview(connection).await?.store)
}

async fn overview(connection: &mut Connection) -> Result<TrustOverview, AppError> {
    read(connection).await.map_err(AppError::TrustUnreadable)
}

async fn read(connection: &mut Connection) -> Result<TrustOverview, TrustUnreadable> {
    let storage = TrustUnreadable::Storage;
    let settings = trust_settings(connection).await.map_err(storage)?;
    let credentials = credential_list(connection).await.map_err(storage)?;
    let owners = owner_list(connection).await.map_err(storage)?;
    let revocations = revocations_list(connection).await.map_err(storage)?;
    let pins = pin_list(connection).await.map_err(storage)?;
    let settings_wrong = |what: &str, why: &dyn ToString| TrustUnreadable::Row {
        table: "trust_settings",
        what: what.to_owned(),
        why: why.to_string(),
    };
    let store = TrustStore {
        policy: settings
            .policy
            .parse()
            .map_err(|error| settings_wrong("the policy", &error))?,
        credentials: credentials.iter().map(from_row).collect::<Result<_, _>>()?,
        root: settings
            .root
            .map(|root| TrustedRoot::parse(&root))
            .transpose()
            .map_err(|error| settings_wrong("the trusted root", &error))?,
        owners: owners
            .iter()
            .map(|owner| (owner.application.clone(), owner.signer.clone()))
            .collect(),
        revocations: revocations.iter().map(held).collect::<Result<_, _>>()?,
        pinned: pins.iter().map(|pin| pin.digest).collect(),
    };
    Ok(TrustOverview {
        store,
        credentials,
        owners,
        revocations,
        pins,
    })
}

fn from_row(row: &CredentialRow) -> Result<Credential, TrustUnreadable> {
    let wrong = |why: &dyn ToString| TrustUnreadable::Row {
        table: "trust_credentials",
        what: format!("number {}", row.id),
        why: why.to_string(),
    };
    let means = match &row.means {
        MeansRow::Key(key) => Means::Key(PublicKey::parse(key).map_err(|error| wrong(&error))?),
        MeansRow::Identity { issuer, subject } => Means::Identity(Identity {
            issuer: issuer.clone(),
            subject: subject.clone(),
        }),
    };
    if credential::name_of(&means) != row.name {
        return Err(wrong(&"it is not the key or identity that it was added as"));
    }
    let applications = row.applications.iter().map(|pattern| pattern.parse());
    Ok(Credential {
        number: row.id,
        signer: row.signer.clone(),
        means,
        applications: applications
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(&error))?,
        authority: row.authority,
        from: row.from,
        until: row.until,
        successor: row.successor,
        revoked: row
            .revoked
            .clone()
            .map(|(at, reason)| CredentialRevoked { at, reason }),
    })
}

fn held(row: &RevocationsRow) -> Result<HeldList, TrustUnreadable> {
    let wrong = |why: String| TrustUnreadable::Row {
        table: "trust_revocations",
        what: format!("list {} of {}", row.number, row.signer),
        why,
    };
    let list = RevocationList::parse(row.list.as_bytes());
    let list = list.map_err(|error| wrong(error.to_string()))?;
    if list.number != row.number {
        return Err(wrong(format!("it says that it is list {}", list.number)));
    }
    Ok(HeldList {
        signer: row.signer.clone(),
        authority: row.authority,
        list,
    })
}
