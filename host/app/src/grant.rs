//! What plug-ins ask for, and what administrators say to it.
//!
//! Words are kept for each application and digest. A revision takes from the one before it what goes
//! no further than it went; for what it asks beyond that, it waits for a word of its own. What was
//! taken from the one at work holds for no other revision either: `lapse`.

mod lapse;

use lapse::lapse;
pub(crate) use lapse::{lapse_superseded, remark};

use crate::error::sentence;
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::application::{Description, Limit};
use muster_domain::chain;
use muster_domain::event::{NewEvent, Severity, Subject};
use muster_domain::grant::{Ask, Grants, Right, Word, Words};
use muster_domain::{ApplicationId, Digest};
use muster_plugin_host::{FilesError, Plugin, PluginHost, Terms};
use muster_storage::Connection;
use muster_storage::event::event_insert;
use muster_storage::grant::{GrantRow, grant_list, grant_set, words};
use muster_storage::plugin::{PluginRow, plugin_latest, plugin_revision, plugin_revisions};

/// Something that a plug-in asks for, and what was said to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskStand {
    /// The ask.
    pub ask: Ask,
    /// What was said; nothing yet, if there is none.
    pub said: Option<GrantRow>,
}

/// Why a revision waits that asks for what nobody granted or denied.
pub(crate) const ASKS: &str = "plugin-asks";

impl App {
    /// What an application's plug-in asks for, and what was said to it: a revision that is named, or
    /// else the one at work, or else the one that is ready.
    pub async fn plugin_asks(
        &self,
        _who: &Administrator,
        application: &ApplicationId,
        revision: Option<Digest>,
    ) -> Result<Vec<AskStand>, AppError> {
        let mut connection = self.0.storage.read().await?;
        let row = concerned(&mut connection, application, revision).await?;
        let said = grant_list(&mut connection, application, row.digest).await?;
        Ok(stand(row.description.asks(), &said))
    }

    /// Says a word to what an application's plug-in asks for: a revision that is named, or else the one
    /// at work, or else the one that is ready. It holds from its next call on. What is taken from the
    /// one at work, no other revision has any longer.
    pub async fn plugin_grant(
        &self,
        who: &Administrator,
        application: &ApplicationId,
        revision: Option<Digest>,
        said: Words,
    ) -> Result<Vec<AskStand>, AppError> {
        // From the row to the plug-in in one go: of two words, the later one then holds in both.
        let _alone = self.0.switches.alone(application).await;
        let (who, id) = (who.clone(), application.clone());
        let host = self.0.plugin_host.clone();
        let (digest, asks, rows) = self
            .logged(move |connection| {
                Box::pin(async move {
                    let row = concerned(connection, &id, revision).await?;
                    let gate = Gate {
                        host: &host,
                        who: &who,
                        description: &row.description,
                        digest: row.digest,
                    };
                    let rows = gate.say(connection, Vec::new(), said.clone()).await?;
                    remark(connection, &row).await?;
                    if row.state.is_current() {
                        lapse(connection, &row, &said, &who.actor()).await?;
                    }
                    Ok((row.digest, row.description.asks(), rows))
                })
            })
            .await?;
        let grants = words(&rows).grants();
        if let Some(plugin) = self.0.applications.revision(application, digest) {
            let current = self.0.applications.get(application);
            let at_work = current.is_some_and(|current| current.digest() == digest);
            let terms = if at_work {
                Terms::active(grants)
            } else {
                Terms::trial(grants)
            };
            set_terms(&plugin, &terms)?;
        }
        self.terms_renew(application).await;
        Ok(stand(asks, &rows))
    }

    /// The gate's step: what was said to this revision before, or else what was said to the one at
    /// work, with what is said now. Returns what it still waits for.
    pub(crate) async fn words_at_gate(
        &self,
        who: &Administrator,
        plugin: &Plugin,
        said: Words,
    ) -> Result<Option<String>, AppError> {
        let host = self.0.plugin_host.clone();
        let (who, description) = (who.clone(), plugin.description().clone());
        let digest = plugin.digest();
        let rows = self
            .logged(move |connection| {
                Box::pin(async move {
                    let gate = Gate {
                        host: &host,
                        who: &who,
                        description: &description,
                        digest,
                    };
                    gate.pass(connection, said).await
                })
            })
            .await?;
        let all = words(&rows);
        set_terms(plugin, &Terms::trial(all.grants()))?;
        Ok(waiting_for(plugin.description(), digest, &all))
    }

    /// Refuses a revision that still waits for a word.
    pub(crate) async fn words_said(&self, row: &PluginRow) -> Result<(), AppError> {
        let mut connection = self.0.storage.read().await?;
        let application = &row.description.application;
        let said = grant_list(&mut connection, application, row.digest).await?;
        match waiting_for(&row.description, row.digest, &words(&said)) {
            Some(text) => Err(AppError::Conflict { code: ASKS, text }),
            None => Ok(()),
        }
    }

    /// What was granted to a plug-in that describes itself so.
    pub(crate) async fn grants(
        &self,
        description: &Description,
        digest: Digest,
    ) -> Result<Grants, AppError> {
        // Most ask for nothing.
        if description.asks().is_empty() {
            return Ok(Grants::default());
        }
        let application = &description.application;
        let mut connection = self.0.storage.read().await?;
        let rows = grant_list(&mut connection, application, digest).await?;
        Ok(words(&rows).grants())
    }

    /// Puts revisions that are loaded and not at work on the terms that hold now.
    pub(crate) async fn terms_renew(&self, application: &ApplicationId) {
        for plugin in self.0.applications.spares_of(application) {
            let digest = plugin.digest();
            let renewed = match self.grants(plugin.description(), digest).await {
                Ok(grants) => set_terms(&plugin, &Terms::trial(grants)),
                Err(error) => Err(error),
            };
            if let Err(error) = renewed {
                // Nobody can tell what it may: it is loaded anew when it is needed.
                tracing::error!(%digest, error = %chain(&error), "a revision was let go of");
                self.0.applications.forget(digest);
            }
        }
    }

    /// Removes what an application's plug-ins kept on the server.
    pub(crate) async fn plugin_files_remove(
        &self,
        application: &ApplicationId,
    ) -> Result<(), AppError> {
        let (host, id) = (self.0.plugin_host.clone(), application.clone());
        let removed = tokio::task::spawn_blocking(move || host.files_remove(&id)).await;
        let removed = removed.map_err(|cause| AppError::File {
            doing: "remove",
            file: format!("the files of {application}"),
            cause: cause.into(),
        })?;
        removed.map_err(files_failed)
    }
}

/// A plug-in at the gate, or behind it, and who speaks.
pub(crate) struct Gate<'a> {
    pub(crate) host: &'a PluginHost,
    pub(crate) who: &'a Administrator,
    pub(crate) description: &'a Description,
    pub(crate) digest: Digest,
}

impl Gate<'_> {
    async fn pass(
        &self,
        connection: &mut Connection,
        said: Words,
    ) -> Result<Vec<GrantRow>, AppError> {
        let asks = self.description.asks();
        let application = &self.description.application;
        let mut carried = grant_list(connection, application, self.digest).await?;
        let at_work = plugin_latest(connection, application).await?;
        let at_work = at_work.filter(|row| row.state.is_current());
        if let (true, Some(at_work)) = (carried.is_empty(), at_work) {
            let earlier = grant_list(connection, application, at_work.digest).await?;
            let goes_on = words(&earlier).carried_to(&asks);
            carried.extend(
                earlier
                    .into_iter()
                    .filter(|row| goes_on.0.contains_key(&row.right)),
            );
        }
        self.say(connection, carried, said).await
    }

    /// Writes down what is said, and tells it. Returns all that holds then.
    async fn say(
        &self,
        connection: &mut Connection,
        carried: Vec<GrantRow>,
        said: Words,
    ) -> Result<Vec<GrantRow>, AppError> {
        let asks = self.description.asks();
        let application = &self.description.application;
        let said = said.settled(&asks);
        check(&said, self.description, &asks, |limit| {
            self.host.most(limit)
        })?;
        let now = Timestamp::now();
        let new = said.0.iter().map(|(right, word)| GrantRow {
            right: *right,
            word: *word,
            said_at: now,
            said_by: self.who.actor(),
        });
        for row in carried.into_iter().chain(new) {
            grant_set(connection, application, self.digest, &row).await?;
        }
        if !said.0.is_empty() {
            let event = said_event(self.who, self.description, self.digest, &said);
            event_insert(connection, now, &[event]).await?;
        }
        Ok(grant_list(connection, application, self.digest).await?)
    }
}

/// Sets the terms on which a plug-in is run.
pub(crate) fn set_terms(plugin: &Plugin, terms: &Terms) -> Result<(), AppError> {
    plugin.set_terms(terms).map_err(files_failed)
}

pub(crate) fn files_failed(error: FilesError) -> AppError {
    AppError::File {
        doing: "open or remove",
        file: "the folder of a plug-in's files".to_owned(),
        cause: std::io::Error::other(error),
    }
}

fn stand(asks: Vec<Ask>, said: &[GrantRow]) -> Vec<AskStand> {
    asks.into_iter()
        .map(|ask| AskStand {
            said: said.iter().find(|row| row.right == ask.right).cloned(),
            ask,
        })
        .collect()
}

/// What is said must be an answer to what is asked, within what this server has.
fn check(
    said: &Words,
    description: &Description,
    asks: &[Ask],
    most: impl Fn(Limit) -> u32,
) -> Result<(), AppError> {
    let invalid = |code, text: String| Err(AppError::Invalid { code, text });
    for (right, word) in &said.0 {
        if !asks.iter().any(|ask| ask.right == *right) {
            let names: Vec<&str> = asks.iter().map(|ask| ask.right.name()).collect();
            let asked = match names.as_slice() {
                [] => "nothing".to_owned(),
                names => names.join(", "),
            };
            return invalid(
                "not-asked-for",
                format!(
                    "the plug-in of {} does not ask for {right}; it asks for {asked}",
                    description.name
                ),
            );
        }
        match (right, word) {
            (Right::Capability(capability), Word::Granted(Some(_))) => {
                return invalid(
                    "grant-invalid",
                    format!("{capability} is granted whole, without a number"),
                );
            }
            (Right::Limit(limit), Word::Granted(Some(0))) => {
                return invalid("grant-invalid", format!("no plug-in can do with {limit}=0"));
            }
            (Right::Limit(limit), Word::Granted(Some(value))) if *value > most(*limit) => {
                let (most, unit) = (most(*limit), limit.unit());
                return invalid(
                    "grant-beyond-limit",
                    format!(
                        "{limit}={value} is more than the {most} {unit} that this server grants at most \
                         (plug-ins.most-{limit}); grant {limit}={most}, deny it, or raise that"
                    ),
                );
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a plug-in waits for, if anything that it asks for has no word.
fn waiting_for(description: &Description, digest: Digest, said: &Words) -> Option<String> {
    let all = description.asks();
    let open = said.open(&all);
    if open.is_empty() {
        return None;
    }
    let asks: Vec<String> = open
        .iter()
        .map(|ask| format!("{ask}: \"{}\"", ask.reason))
        .collect();
    let names: Vec<String> = open.iter().map(|ask| ask.right.to_string()).collect();
    Some(format!(
        "the plug-in of {}, version {}, asks for what nobody granted or denied yet, or what was taken \
         from the revision at work since. {}. Say of each whether it may: install it again with \
         `--grant {}`, or `--deny` with the names of those that it may not; or `muster plugin grant {} \
         {} --revision {}`, and `muster plugin withdraw` for those that it may not",
        description.name,
        description.version,
        asks.join("; "),
        names.join(","),
        description.application,
        names.join(" "),
        digest.short(),
    ))
}

/// The revision that words are about: the one that is named, or else the one at work, or else the
/// newest that is kept.
async fn concerned(
    connection: &mut Connection,
    application: &ApplicationId,
    revision: Option<Digest>,
) -> Result<PluginRow, AppError> {
    if let Some(digest) = revision {
        let row = plugin_revision(connection, application, digest).await?;
        return row
            .filter(|row| row.state.is_kept())
            .ok_or_else(|| AppError::not_found("revision that is kept", &digest));
    }
    let rows = plugin_revisions(connection, application).await?;
    let kept: Vec<_> = rows.into_iter().filter(|row| row.state.is_kept()).collect();
    let current = kept.iter().find(|row| row.state.is_current());
    current
        .or(kept.first())
        .cloned()
        .ok_or_else(|| AppError::not_found("plug-in for application", application))
}

fn said_event(
    who: &Administrator,
    description: &Description,
    digest: Digest,
    said: &Words,
) -> NewEvent {
    let list = |wanted: fn(&Word) -> bool| {
        let of = |(right, word): (&Right, &Word)| match word {
            Word::Granted(Some(value)) => format!("{right}={value}"),
            _ => right.to_string(),
        };
        let words = said.0.iter().filter(|(_, word)| wanted(word)).map(of);
        words.collect::<Vec<_>>().join(", ")
    };
    let granted = list(|word| matches!(word, Word::Granted(_)));
    let denied = list(|word| *word == Word::Denied);
    let to = format!(
        "the plug-in of {}, version {}",
        description.name, description.version
    );
    let text = match (granted.as_str(), denied.as_str()) {
        (granted, "") => format!("Granted to {to}: {granted}"),
        ("", denied) => format!("Denied to {to}: {denied}"),
        (granted, denied) => format!("Granted to {to}: {granted}; denied: {denied}"),
    };
    NewEvent::new(
        "plugin.grants-changed",
        Severity::Info,
        who.actor(),
        sentence(text),
    )
    .about(Subject {
        application: Some(description.application.clone()),
        ..Subject::default()
    })
    .with(serde_json::json!({ "digest": digest, "said": said }))
}
