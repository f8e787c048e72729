//! Where a new project finds the SDK.
//!
//! The SDKs are not in any registry yet. A project that is made by a program that was built from a
//! checkout refers to the checkout; `--sdk` names another one. Elsewhere it is written as it will be
//! when they are published, and that is said.

use super::Language;
use crate::failure::Failure;
use std::path::{Path, PathBuf};

pub(super) struct Sdk {
    /// As the language's project file has it.
    pub(super) dependency: String,
    /// What its author has to know.
    pub(super) note: Option<String>,
}

/// The checkout that this program was built from.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk");

impl Language {
    /// The SDK's folder below `sdk/`, its project file, and its name there.
    fn sdk(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Rust => ("rust", "Cargo.toml", "muster-sdk"),
            Self::Python => ("python", "pyproject.toml", "muster-sdk"),
            Self::Javascript => ("javascript", "package.json", "muster-sdk"),
        }
    }
}

impl Sdk {
    pub(super) fn find(language: Language, given: Option<&Path>) -> Result<Self, Failure> {
        let (folder, file, name) = language.sdk();
        let is_there = |folder: &Path| {
            std::fs::read_to_string(folder.join(file)).is_ok_and(|text| text.contains(name))
        };
        let beside = Path::new(CHECKOUT).join(folder);
        let place = match given {
            Some(given) if is_there(given) => Some(given.to_owned()),
            Some(given) => {
                return Err(Failure::Usage(format!(
                    "{} is not the SDK: it has no {file} of {name}. In a checkout of Muster it is the folder sdk/{folder}",
                    given.display()
                )));
            }
            None => Some(beside).filter(|place| is_there(place)),
        };
        let place = place.map(|place| absolute(&place)).transpose()?;
        let note = place.is_none().then(|| {
            format!(
                "{name} is taken from where it is published, version {}. As long as it is not, give its folder in a checkout: --sdk FOLDER.",
                env!("CARGO_PKG_VERSION")
            )
        });
        Ok(Self {
            dependency: dependency(language, place.as_deref()),
            note,
        })
    }
}

fn absolute(place: &Path) -> Result<PathBuf, Failure> {
    place
        .canonicalize()
        .map_err(|cause| Failure::Usage(format!("cannot read {}: {cause}", place.display())))
}

/// The text in the place of `{{sdk}}`.
fn dependency(language: Language, place: Option<&Path>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match (language, place) {
        // A JSON string is a TOML string as well.
        (Language::Rust, Some(place)) => {
            let path = serde_json::Value::from(place.display().to_string());
            format!("{{ path = {path} }}")
        }
        (Language::Rust, None) => format!("\"{version}\""),
        (Language::Python, Some(place)) => format!("muster-sdk @ {}", address(place)),
        (Language::Python, None) => format!("muster-sdk == {version}"),
        (Language::Javascript, Some(place)) => format!("file:{}", in_json(place)),
        (Language::Javascript, None) => version.to_owned(),
    }
}

/// A path as it stands between the quotes of a JSON string.
fn in_json(place: &Path) -> String {
    let quoted = serde_json::Value::from(place.display().to_string()).to_string();
    quoted.trim_matches('"').to_owned()
}

/// A path as an address, in which a space would end it.
fn address(place: &Path) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const KEPT_OUT: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'%').add(b'?').add(b'"');
    let path = place.display().to_string();
    format!("file://{}", utf8_percent_encode(&path, KEPT_OUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dependency_is_a_path_or_a_version() {
        let at = dependency(Language::Rust, Some(Path::new("/a \"b\"")));
        assert_eq!(at, r#"{ path = "/a \"b\"" }"#);
        let place = Some(Path::new("/a b"));
        let python = dependency(Language::Python, place);
        assert_eq!(python, "muster-sdk @ file:///a%20b");
        assert_eq!(dependency(Language::Javascript, place), "file:/a b");
        assert_eq!(
            dependency(Language::Rust, None),
            format!("\"{}\"", env!("CARGO_PKG_VERSION"))
        );
    }

    #[test]
    fn a_folder_without_an_sdk_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Sdk::find(Language::Rust, Some(folder.path()))
            .err()
            .unwrap();
        assert!(refused.to_string().contains("is not the SDK"), "{refused}");
    }
}
