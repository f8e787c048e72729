//! Administrators and their tokens.

use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::Digest;
use muster_domain::event::{Actor, NewEvent, Severity};
use muster_storage::administrator::{
    administrator_by_token, administrator_exists, administrator_token_insert,
};
use muster_storage::event::event_insert;

/// Who asks. Whatever only an administrator may do takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// The name, as events tell it.
    pub name: String,
}

impl Administrator {
    /// As events name them.
    pub fn actor(&self) -> Actor {
        Actor::Administrator(self.name.clone())
    }
}

impl App {
    /// The administrator whose token this is.
    pub async fn administrator_by_token(
        &self,
        token: &str,
    ) -> Result<Option<Administrator>, AppError> {
        let mut connection = self.0.storage.read().await?;
        let name = administrator_by_token(&mut connection, Digest::of(token)).await?;
        Ok(name.map(|name| Administrator { name }))
    }

    /// Makes the first administrator's token known, unless there is an administrator already.
    /// Returns whether there was none.
    pub async fn administrator_first(&self, token: &str) -> Result<bool, AppError> {
        let digest = Digest::of(token);
        self.0
            .storage
            .write::<_, AppError, _>(move |connection| {
                Box::pin(async move {
                    if administrator_exists(connection).await? {
                        return Ok(false);
                    }
                    let now = Timestamp::now();
                    administrator_token_insert(connection, digest, "admin", now).await?;
                    let event = NewEvent::new(
                        "administrator.created",
                        Severity::Info,
                        Actor::Server,
                        "The first administrator's token was made.",
                    );
                    event_insert(connection, now, &[event]).await?;
                    Ok(true)
                })
            })
            .await
    }
}
