//! A case: who misbehaves, when, and what must come of it.

use serde::Serialize;

/// One way to misbehave.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name, stable and unique: `translate-swapped`.
    pub name: &'static str,
    /// What the guest does, in one sentence.
    pub does: &'static str,
    /// How the guest is made.
    pub guest: Guest,
    /// What it is asked when it misbehaves.
    pub asked: Asked,
    /// What must come of it.
    pub expected: Expected,
}

/// Where a component comes from.
#[derive(Debug, Clone, Copy)]
pub enum Guest {
    /// The Rust guest with this behaviour at loading.
    Loads(&'static str),
    /// The Rust guest, well until the settings tell it this word.
    Told(&'static str),
    /// Made by a function.
    Made(fn() -> anyhow::Result<Vec<u8>>),
}

/// What a guest is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// To be a plug-in: inspection, compiling, `describe` and its examples.
    Load,
    /// `validate`
    Validate,
    /// `translate`, for three profiles.
    Translate,
    /// `interpret`, of two reports.
    Interpret,
    /// `migrate`
    Migrate,
}

/// What must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// An error of this kind, which is the plug-in's fault and says this.
    Error(&'static str, &'static str),
    /// The call is answered within its limits, and nothing else comes of it.
    Harmless,
    /// It may be refused as the plug-in's fault, or be harmless: its bytes are damaged at random, or
    /// the compiler's speed decides.
    Either,
    /// The answer is taken; a sample that is asked again shows the plug-in's fault.
    Differs,
}

impl Expected {
    /// Whether it is the settings that are refused, which is no fault of the plug-in.
    pub fn is_of_settings(&self) -> bool {
        matches!(self, Self::Error("settings-refused", _))
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Error(kind, says) => format!("{kind}: “…{says}…”"),
            Self::Harmless => "harmless: answered within its limits".into(),
            Self::Either => "refused as the plug-in’s fault, or harmless".into(),
            Self::Differs => "answered, and found out when asked again".into(),
        }
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Load => "load",
            Self::Validate => "validate",
            Self::Translate => "translate",
            Self::Interpret => "interpret",
            Self::Migrate => "migrate",
        })
    }
}
