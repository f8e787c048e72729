//! Administrators and their tokens.

use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::Digest;
use muster_domain::event::{Actor, NewEvent, Severity};
use muster_domain::group::is_name;
use muster_domain::origin::{Client, Origin, Way, is_comment};
use muster_storage::administrator::{
    administrator_by_token, administrator_delete, administrator_exists, administrator_list,
    administrator_token_insert,
};
use muster_storage::event::event_insert;

/// Who asks. Whatever only an administrator may do takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// The name, as events tell it.
    pub name: String,
    /// From where, and by which program.
    pub client: Client,
    /// Why, if a word was given.
    pub comment: Option<String>,
}

impl Administrator {
    /// As events name them.
    pub fn actor(&self) -> Actor {
        Actor::Administrator(self.name.clone())
    }

    /// The same, with a word on why. It is kept with what is changed.
    pub fn commented(mut self, comment: Option<String>) -> Result<Self, AppError> {
        if let Some(comment) = &comment
            && !is_comment(comment)
        {
            return Err(AppError::Invalid {
                code: "comment-invalid",
                text: format!(
                    "a comment is one line of 1 to {} characters",
                    Origin::MOST_COMMENT
                ),
            });
        }
        self.comment = comment;
        Ok(self)
    }

    /// Where a revision comes from that is made by this way.
    pub(crate) fn origin(&self, way: Way) -> Origin {
        Origin::asked(&self.client, way).commented(self.comment.clone())
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
        Ok(name.map(|name| Administrator {
            name,
            client: Client::default(),
            comment: None,
        }))
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

    /// Every administrator by name, each with when the token was made.
    pub async fn administrator_list(
        &self,
        _who: &Administrator,
    ) -> Result<Vec<(String, Timestamp)>, AppError> {
        Ok(administrator_list(&mut *self.0.storage.read().await?).await?)
    }

    /// Adds an administrator with a token.
    pub async fn administrator_add(
        &self,
        who: &Administrator,
        name: &str,
        token: &str,
    ) -> Result<Timestamp, AppError> {
        if !is_name(name) || name.contains('/') {
            return Err(AppError::Invalid {
                code: "name-invalid",
                text: format!(
                    "{name:?} cannot name an administrator: 1 to 100 characters, no slash, no control \
                     characters, no white space at the ends"
                ),
            });
        }
        let (digest, name, actor) = (Digest::of(token), name.to_owned(), who.actor());
        self.logged(move |connection| {
            Box::pin(async move {
                let now = Timestamp::now();
                administrator_token_insert(connection, digest, &name, now).await?;
                let text = format!("Administrator {name} was added.");
                let event = NewEvent::new("administrator.created", Severity::Warning, actor, text);
                event_insert(connection, now, &[event]).await?;
                Ok(now)
            })
        })
        .await
    }

    /// Removes an administrator, whose token is good no longer. Whoever asks stays, so one always does.
    pub async fn administrator_remove(
        &self,
        who: &Administrator,
        name: &str,
    ) -> Result<(), AppError> {
        if who.name == name {
            return Err(AppError::Conflict {
                code: "administrator-self",
                text: "nobody removes themselves; another administrator can".into(),
            });
        }
        let (name, actor) = (name.to_owned(), who.actor());
        self.logged(move |connection| {
            Box::pin(async move {
                if !administrator_delete(connection, &name).await? {
                    return Err(AppError::not_found("administrator", &name));
                }
                let text = format!("Administrator {name} was removed.");
                let event = NewEvent::new("administrator.removed", Severity::Warning, actor, text);
                Ok(event_insert(connection, Timestamp::now(), &[event]).await?)
            })
        })
        .await
    }
}
