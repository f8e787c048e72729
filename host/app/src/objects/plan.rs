//! What would become of what is wanted.

use super::wanted::Place;
use muster_domain::Digest;
use muster_domain::finding::Finding;
use muster_domain::plan::Change;
pub use muster_storage::applied::AppliedKind as Kind;

/// What would become of what is wanted, or did.
#[derive(Debug, Clone)]
pub struct ObjectsPlan {
    /// Of all that it was made on.
    pub id: Digest,
    /// How the plug-ins of the file stand here.
    pub plugins: Vec<PluginStand>,
    /// What becomes of each object.
    pub items: Vec<Item>,
    /// Whether it was done.
    pub done: bool,
}

impl ObjectsPlan {
    /// Whether it can be carried out.
    pub fn is_possible(&self) -> bool {
        self.count(Action::Refused) == 0
    }

    /// How many objects it creates, changes or removes.
    pub fn changes(&self) -> u64 {
        self.count(Action::Create) + self.count(Action::Change) + self.count(Action::Remove)
    }

    /// How many objects it means this for.
    pub fn count(&self, action: Action) -> u64 {
        let of = self.items.iter().filter(|item| item.action == action);
        of.count() as u64
    }
}

/// How a plug-in of the file stands here.
#[derive(Debug, Clone)]
pub struct PluginStand {
    /// The application.
    pub application: muster_domain::ApplicationId,
    /// The version in the file.
    pub version: Option<String>,
    /// The version at work here.
    pub here: Option<String>,
    /// How the two compare.
    pub stand: &'static str,
}

/// What becomes of an object.
#[derive(Debug, Clone)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Its name here.
    pub name: String,
    /// Its number here.
    pub id: Option<i64>,
    /// Where it is wanted; none if only the server has it.
    pub place: Option<Place>,
    /// What becomes of it.
    pub action: Action,
    /// What changes in it.
    pub changes: Vec<Change>,
    /// What stands against it, or is worth a word.
    pub findings: Vec<Finding>,
}

impl Item {
    pub(super) fn new(kind: Kind, name: impl Into<String>, place: Option<Place>) -> Self {
        Self {
            kind,
            name: name.into(),
            id: None,
            place,
            action: Action::Create,
            changes: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Refuses it at a place in it.
    pub(super) fn refuse(&mut self, pointer: &str, code: &str, text: impl Into<String>) {
        self.findings.push(Finding::error(pointer, code, text));
    }

    /// Stable, for programs.
    pub fn kind_word(&self) -> &'static str {
        kind_word(self.kind)
    }
}

pub(super) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Group => "group",
        Kind::Selection => "selection",
        Kind::Window => "window",
        Kind::Task => "task",
    }
}

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    Create,
    /// It is there and becomes another.
    Change,
    /// It is there, just so.
    Unchanged,
    /// It is left out.
    Skip,
    /// It is there, is wanted no longer, and goes.
    Remove,
    /// It cannot be done; the findings say why.
    Refused,
    /// It is there, this set of files made it, and says it no longer.
    Extra,
    /// It is there, and this set of files has nothing to do with it.
    Foreign,
}

impl Action {
    /// Stable, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Unchanged => "unchanged",
            Self::Skip => "skip",
            Self::Remove => "remove",
            Self::Refused => "refused",
            Self::Extra => "extra",
            Self::Foreign => "foreign",
        }
    }
}
