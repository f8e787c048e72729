//! Whom to trust: keys and identities, owners of applications, revocation lists, pins, and on what
//! ground each component was admitted.
//!
//! What a key or a list is, the caller knows; here they are texts. Whoever reads takes all rows of
//! a table or an error, never those that happen to be readable.

mod admission;

pub use admission::{
    AdmissionRow, admission_all, admission_get, admission_list, admission_put, admission_unsigned,
};

use crate::codec::{Columns, to_json, to_millis};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::event::Actor;
use muster_domain::id::SignerName;
use muster_domain::{ApplicationId, Digest};
use sqlx::sqlite::SqliteRow;

/// The policy and the trusted root, as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustSettings {
    /// The policy's name.
    pub policy: String,
    /// Sigstore's `trusted_root.json`.
    pub root: Option<String>,
}

/// A key or an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRow {
    /// Its number; 0 before it has one.
    pub id: i64,
    /// Whose it is.
    pub signer: SignerName,
    /// What nobody else's is.
    pub name: String,
    /// The key, or issuer and subject.
    pub means: MeansRow,
    /// What it may sign.
    pub applications: Vec<String>,
    /// Whether its lists hold for all.
    pub authority: bool,
    /// From when on it is in force.
    pub from: Timestamp,
    /// From when on it is no longer.
    pub until: Option<Timestamp>,
    /// Which one took its place.
    pub successor: Option<i64>,
    /// When it was revoked, and why.
    pub revoked: Option<(Timestamp, String)>,
    /// When it was added.
    pub added_at: Timestamp,
    /// Who added it.
    pub added_by: Actor,
}

/// What a credential is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeansRow {
    /// A minisign key, in Base64.
    Key(String),
    /// An identity.
    Identity {
        /// Who vouches for it.
        issuer: String,
        /// Who it is.
        subject: String,
    },
}

/// Whose an application is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRow {
    /// The application.
    pub application: ApplicationId,
    /// Its owner.
    pub signer: SignerName,
    /// Since when.
    pub since: Timestamp,
    /// Who said so.
    pub set_by: Actor,
}

/// A signer's newest revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationsRow {
    /// Who signed it.
    pub signer: SignerName,
    /// Whether it holds for all.
    pub authority: bool,
    /// Its number.
    pub number: u64,
    /// Its text, as it was signed.
    pub list: String,
    /// When it was imported.
    pub imported_at: Timestamp,
    /// Who imported it.
    pub imported_by: Actor,
}

/// A component that is allowed without a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinRow {
    /// The component.
    pub digest: Digest,
    /// Since when.
    pub pinned_at: Timestamp,
    /// Who said so.
    pub pinned_by: Actor,
}

/// The policy and the trusted root.
pub async fn trust_settings(connection: &mut Connection) -> Result<TrustSettings, StorageError> {
    let row = sqlx::query("SELECT policy, root FROM trust_settings")
        .fetch_one(connection)
        .await?;
    let columns = columns("trust_settings", &row);
    Ok(TrustSettings {
        policy: columns.get("policy")?,
        root: columns.get("root")?,
    })
}

/// Sets the policy.
pub async fn trust_policy_set(
    connection: &mut Connection,
    policy: &str,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE trust_settings SET policy = $1")
        .bind(policy)
        .execute(connection)
        .await?;
    Ok(())
}

/// Sets the trusted root, or takes it away.
pub async fn trust_root_set(
    connection: &mut Connection,
    root: Option<&str>,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE trust_settings SET root = $1")
        .bind(root)
        .execute(connection)
        .await?;
    Ok(())
}

/// Every key and identity, the oldest first.
pub async fn credential_list(
    connection: &mut Connection,
) -> Result<Vec<CredentialRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM trust_credentials ORDER BY id")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| credential(row).map_err(|error| numbered(row, error)))
        .collect()
}

/// The error with the number of its row, by which it can be removed.
fn numbered(row: &SqliteRow, error: StorageError) -> StorageError {
    let columns = columns("trust_credentials", row);
    match (columns.get::<i64>("id"), error) {
        (Ok(id), StorageError::Row { what, .. }) => columns.wrong(&format!("number {id}"), what),
        (Ok(id), StorageError::Database(cause)) => columns.wrong(&format!("number {id}"), cause),
        (_, error) => error,
    }
}

fn credential(row: &SqliteRow) -> Result<CredentialRow, StorageError> {
    let columns = columns("trust_credentials", row);
    let key: Option<String> = columns.get("key")?;
    let (issuer, subject): (Option<String>, Option<String>) =
        (columns.get("issuer")?, columns.get("subject")?);
    let means = match (key, issuer, subject) {
        (Some(key), None, None) => MeansRow::Key(key),
        (None, Some(issuer), Some(subject)) => MeansRow::Identity { issuer, subject },
        _ => return Err(columns.wrong("key", "neither a key nor an identity")),
    };
    let why: Option<String> = columns.get("revoked_why")?;
    Ok(CredentialRow {
        id: columns.get("id")?,
        signer: columns.text("signer")?,
        name: columns.get("name")?,
        means,
        applications: columns.json("applications")?,
        authority: columns.get("authority")?,
        from: columns.time("valid_from")?,
        until: columns.optional_time("valid_until")?,
        successor: columns.get("successor")?,
        revoked: columns
            .optional_time("revoked_at")?
            .map(|at| (at, why.unwrap_or_default())),
        added_at: columns.time("added_at")?,
        added_by: columns.word("added_by")?,
    })
}

/// Adds a key or an identity and returns its number. `trust_credential_known` if it is there.
pub async fn credential_insert(
    connection: &mut Connection,
    new: &CredentialRow,
) -> Result<i64, StorageError> {
    let (key, issuer, subject) = match &new.means {
        MeansRow::Key(key) => (Some(key), None, None),
        MeansRow::Identity { issuer, subject } => (None, Some(issuer), Some(subject)),
    };
    let id = sqlx::query_scalar(
        "INSERT INTO trust_credentials (signer, name, key, issuer, subject, applications, \
         authority, valid_from, valid_until, added_at, added_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id",
    )
    .bind(new.signer.as_str())
    .bind(&new.name)
    .bind(key)
    .bind(issuer)
    .bind(subject)
    .bind(to_json(&new.applications))
    .bind(new.authority)
    .bind(to_millis(new.from))
    .bind(new.until.map(to_millis))
    .bind(to_millis(new.added_at))
    .bind(new.added_by.to_string())
    .fetch_one(connection)
    .await?;
    Ok(id)
}

/// Lets a credential end, for a successor if there is one. Returns whether there is such a one.
pub async fn credential_end(
    connection: &mut Connection,
    id: i64,
    until: Timestamp,
    successor: Option<i64>,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE trust_credentials SET valid_until = $2, successor = coalesce($3, successor) \
         WHERE id = $1",
    )
    .bind(id)
    .bind(to_millis(until))
    .bind(successor)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Revokes a credential. Returns whether there is such a one that was not revoked before.
pub async fn credential_revoke(
    connection: &mut Connection,
    id: i64,
    at: Timestamp,
    why: &str,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "UPDATE trust_credentials SET revoked_at = $2, revoked_why = $3 \
         WHERE id = $1 AND revoked_at IS NULL",
    )
    .bind(id)
    .bind(to_millis(at))
    .bind(why)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes a credential, readable or not. Returns whether there was one.
pub async fn credential_delete(connection: &mut Connection, id: i64) -> Result<bool, StorageError> {
    let done = sqlx::query("DELETE FROM trust_credentials WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Whose each application is.
pub async fn owner_list(connection: &mut Connection) -> Result<Vec<OwnerRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM trust_owners ORDER BY application")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let columns = columns("trust_owners", row);
            Ok(OwnerRow {
                application: columns.text("application")?,
                signer: columns.text("signer")?,
                since: columns.time("since")?,
                set_by: columns.word("set_by")?,
            })
        })
        .collect()
}

/// Gives an application to a signer, whosever it was.
pub async fn owner_put(connection: &mut Connection, owner: &OwnerRow) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO trust_owners (application, signer, since, set_by) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (application) DO UPDATE SET signer = excluded.signer, since = excluded.since, \
         set_by = excluded.set_by",
    )
    .bind(owner.application.as_str())
    .bind(owner.signer.as_str())
    .bind(to_millis(owner.since))
    .bind(owner.set_by.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes an application from whoever owns it. Returns whether somebody did.
pub async fn owner_delete(
    connection: &mut Connection,
    application: &ApplicationId,
) -> Result<bool, StorageError> {
    let done = sqlx::query("DELETE FROM trust_owners WHERE application = $1")
        .bind(application.as_str())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// The newest list of each signer.
pub async fn revocations_list(
    connection: &mut Connection,
) -> Result<Vec<RevocationsRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM trust_revocations ORDER BY signer")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let columns = columns("trust_revocations", row);
            Ok(RevocationsRow {
                signer: columns.text("signer")?,
                authority: columns.get("authority")?,
                number: columns.number("number")?,
                list: columns.get("list")?,
                imported_at: columns.time("imported_at")?,
                imported_by: columns.word("imported_by")?,
            })
        })
        .collect()
}

/// Puts a signer's list in the place of its last one.
pub async fn revocations_put(
    connection: &mut Connection,
    list: &RevocationsRow,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO trust_revocations (signer, authority, number, list, imported_at, imported_by) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (signer) DO UPDATE SET \
         authority = excluded.authority, number = excluded.number, list = excluded.list, \
         imported_at = excluded.imported_at, imported_by = excluded.imported_by",
    )
    .bind(list.signer.as_str())
    .bind(list.authority)
    .bind(list.number.cast_signed())
    .bind(&list.list)
    .bind(to_millis(list.imported_at))
    .bind(list.imported_by.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// The components that are allowed without a signature.
pub async fn pin_list(connection: &mut Connection) -> Result<Vec<PinRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM trust_pins ORDER BY pinned_at, digest")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let columns = columns("trust_pins", row);
            Ok(PinRow {
                digest: columns.text("digest")?,
                pinned_at: columns.time("pinned_at")?,
                pinned_by: columns.word("pinned_by")?,
            })
        })
        .collect()
}

/// Allows a component. Returns whether it was not allowed before.
pub async fn pin_insert(connection: &mut Connection, pin: &PinRow) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "INSERT INTO trust_pins (digest, pinned_at, pinned_by) VALUES ($1, $2, $3) \
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(pin.digest.to_string())
    .bind(to_millis(pin.pinned_at))
    .bind(pin.pinned_by.to_string())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Allows a component no longer. Returns whether it was allowed.
pub async fn pin_delete(connection: &mut Connection, digest: Digest) -> Result<bool, StorageError> {
    let done = sqlx::query("DELETE FROM trust_pins WHERE digest = $1")
        .bind(digest.to_string())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

fn columns<'r>(table: &'static str, row: &'r SqliteRow) -> Columns<'r> {
    Columns { table, row }
}
