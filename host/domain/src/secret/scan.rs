//! The scanner on the save path: what in settings is a secret, and should be a reference.

use super::reference::{each_member, named};
use super::shape::shape_of;
use super::{marked, speaks_of_secret};
use crate::finding::{Finding, Level};
use serde_json::Value;

/// A secret that stands in settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// A JSON Pointer to it.
    pub pointer: String,
    /// By what it was known.
    pub kind: Kind,
}

/// By what a secret was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The plug-in's schema says so.
    Marked,
    /// It stands where the schema wants the name of one.
    Reference,
    /// The setting's name says so.
    Named,
    /// It looks like this.
    Shape(&'static str),
}

/// All secrets that stand in settings, by place. What a schema marks is certain; the rest is a guess,
/// which an administrator may overrule.
pub fn scan(settings: &Value, schema: Option<&Value>) -> Vec<Inline> {
    let mut found: Vec<Inline> = schema
        .map_or_else(Vec::new, |schema| marked(settings, schema))
        .into_iter()
        .filter(|marked| {
            settings
                .pointer(&marked.pointer)
                .is_some_and(holds_something)
        })
        .map(|marked| Inline {
            pointer: marked.pointer,
            kind: if marked.is_certain {
                Kind::Marked
            } else {
                Kind::Reference
            },
        })
        .collect();
    let mut guessed = Vec::new();
    look(None, settings, &mut String::new(), &mut guessed);
    // Within what is marked nothing needs to be guessed.
    guessed.retain(|guess| {
        let within = |of: &Inline| {
            let rest = guess.pointer.strip_prefix(of.pointer.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !found.iter().any(within)
    });
    found.extend(guessed);
    found.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    found
}

/// What a text for people, such as the name of a task, looks like, if it holds a secret.
pub fn scan_text(text: &str) -> Option<Kind> {
    shape_of(text).map(Kind::Shape)
}

fn look(name: Option<&str>, value: &Value, at: &mut String, found: &mut Vec<Inline>) {
    if let Some(name) = named(value) {
        // Somebody may have written the secret in the place of its name.
        found.extend(scan_text(name).map(|kind| Inline {
            pointer: format!("{at}/secret"),
            kind,
        }));
        return;
    }
    if let Value::String(text) = value {
        let spoken_of = name.is_some_and(speaks_of_secret) && !text.is_empty();
        let kind = shape_of(text).map(Kind::Shape);
        if let Some(kind) = kind.or(spoken_of.then_some(Kind::Named)) {
            found.push(Inline {
                pointer: at.clone(),
                kind,
            });
        }
        return;
    }
    let whole = at.clone();
    each_member(value, at, &mut |name, value, at| {
        match name.and_then(scan_text) {
            // A key of a map may be one itself. Its place is not told with it, but that of the map.
            Some(kind) => found.push(Inline {
                pointer: whole.clone(),
                kind,
            }),
            None => look(name, value, at, found),
        }
    });
}

/// Null and the empty text are no secret, whatever a schema says of their place.
fn holds_something(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

impl Inline {
    /// Whether an administrator may say that it is none.
    pub fn is_guess(&self) -> bool {
        self.kind != Kind::Marked
    }

    /// What is said to the administrator. The value is not in it.
    pub fn finding(&self) -> Finding {
        let what = match self.kind {
            Kind::Marked => "This is a secret, as the plug-in's schema says".to_owned(),
            Kind::Reference => "Here belongs the name of a secret".to_owned(),
            Kind::Named => "By its name this is a secret".to_owned(),
            Kind::Shape(shape) => format!("This looks like {shape}"),
        };
        let remedy = "settings are stored, shown and exported; put it into the vault with `muster secret set \
                      NAME`, and write {\"secret\": \"NAME\"} here";
        let overrule = if self.is_guess() {
            format!(
                ". If it is none, save the settings with `--allow-plain '{}'`.",
                self.pointer
            )
        } else {
            ".".to_owned()
        };
        Finding::error(
            &self.pointer,
            "settings-secret-inline",
            format!("{what}: {remedy}{overrule}"),
        )
    }

    /// What stays with the settings when an administrator has overruled it.
    pub fn allowed(&self) -> Finding {
        let what = match self.kind {
            Kind::Marked | Kind::Reference => "stands where a secret belongs".to_owned(),
            Kind::Named => "is a secret by its name".to_owned(),
            Kind::Shape(shape) => format!("looks like {shape}"),
        };
        Finding {
            level: Level::Notice,
            ..Finding::error(
                &self.pointer,
                Self::ALLOWED,
                format!("This {what}; an administrator said that it is none."),
            )
        }
    }

    /// The code of [`Inline::allowed`].
    pub const ALLOWED: &'static str = "settings-secret-allowed";
}
