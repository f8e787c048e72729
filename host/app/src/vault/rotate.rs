//! Which key is the vault's, and another one in its place.

use super::VaultError;
use super::key::{Of, VaultKey};
use crate::AppError;
use muster_domain::event::{Actor, NewEvent, Severity};
use muster_storage::event::event_insert;
use muster_storage::secret::{
    secret_list, secret_put, secret_sealed, vault_check, vault_check_put,
};
use muster_storage::{Connection, Storage};
use std::sync::Arc;

/// What is sealed to tell the key by.
const KNOWN: &str = "this opens with the key of the vault";

/// Whether the vault has a key already.
pub async fn vault_is_sealed(storage: &Storage) -> Result<bool, AppError> {
    Ok(vault_check(&mut *storage.read().await?).await?.is_some())
}

/// Whether a key is that of the vault. One that has none yet takes it.
pub async fn vault_admit(storage: &Storage, key: &VaultKey) -> Result<bool, AppError> {
    let before = vault_check(&mut *storage.read().await?).await?;
    if let Some(sealed) = before {
        return Ok(key
            .open(Of::Check, &sealed)
            .is_ok_and(|known| known.as_str() == KNOWN));
    }
    let sealed = key.seal(Of::Check, KNOWN).map_err(AppError::Vault)?;
    storage
        .write::<_, AppError, _>(move |connection| {
            Box::pin(async move { Ok(vault_check_put(connection, &sealed).await?) })
        })
        .await?;
    Ok(true)
}

/// Seals everything with another key, and says how many secrets there are.
pub async fn vault_rotate(
    storage: &Storage,
    old: VaultKey,
    new: Arc<VaultKey>,
) -> Result<usize, AppError> {
    storage
        .write::<_, AppError, _>(move |connection| {
            Box::pin(async move { rotate(connection, &old, &new).await })
        })
        .await
}

async fn rotate(
    connection: &mut Connection,
    old: &VaultKey,
    new: &VaultKey,
) -> Result<usize, AppError> {
    let rows = secret_list(connection).await?;
    for row in &rows {
        let sealed = secret_sealed(connection, row.name.as_str()).await?;
        let (version, sealed) = sealed.ok_or(AppError::Vault(VaultError::Sealed))?;
        let of = Of::Secret(&row.name, version);
        let value = old.open(of, &sealed).map_err(AppError::Vault)?;
        let sealed = new.seal(of, &value).map_err(AppError::Vault)?;
        secret_put(connection, row, &sealed).await?;
    }
    let known = new.seal(Of::Check, KNOWN).map_err(AppError::Vault)?;
    vault_check_put(connection, &known).await?;
    let text = format!(
        "The vault has another key; {} secrets were sealed anew.",
        rows.len()
    );
    let event = NewEvent::new("vault.rotated", Severity::Info, Actor::Server, text);
    event_insert(connection, muster_clock::now(), &[event]).await?;
    muster_crash_point::reach("vault.rotate-before-commit");
    Ok(rows.len())
}
