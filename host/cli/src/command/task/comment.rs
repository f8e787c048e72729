//! Why a task is changed: a word that is kept with the revision.

use crate::client::query;
use clap::Args;

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Comment {
    /// Why, in one line; it is kept with the revision and shown with it
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

impl Comment {
    /// A path with the word, if there is one.
    pub(super) fn on(&self, path: &str) -> String {
        match &self.comment {
            Some(comment) => query(path, &[("comment", comment)]),
            None => path.to_owned(),
        }
    }
}
