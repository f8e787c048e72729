//! The save path: settings that hold secrets are refused, and so are those that name what is not there.

use crate::{App, AppError};
use muster_domain::finding::Finding;
use muster_domain::secret::{Inline, references, scan};
use muster_domain::settings::Settings;
use muster_domain::task::TaskRevision;
use muster_storage::secret::secret_get;
use serde_json::Value;

/// What an administrator says looks like a secret and is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowPlain {
    /// Nothing.
    #[default]
    Nothing,
    /// What stands at these places: JSON Pointers into the settings.
    At(Vec<String>),
}

/// What is allowed to look like a secret: what is said now, and what was said of the same values before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowed {
    now: AllowPlain,
    before: Option<(Value, Vec<String>)>,
}

impl Allowed {
    pub(crate) fn now(now: &AllowPlain) -> Self {
        Self {
            now: now.clone(),
            before: None,
        }
    }

    /// With what was said of an earlier revision.
    pub(crate) fn with(now: &AllowPlain, before: &TaskRevision) -> Self {
        let places: Vec<String> = before
            .findings
            .iter()
            .filter(|finding| finding.code == Inline::ALLOWED)
            .map(|finding| finding.pointer.clone())
            .collect();
        Self {
            now: now.clone(),
            before: (!places.is_empty()).then(|| (before.settings.to_value(), places)),
        }
    }

    fn is_allowed(&self, inline: &Inline, settings: &Value) -> bool {
        let now = match &self.now {
            AllowPlain::Nothing => false,
            AllowPlain::At(places) => places.contains(&inline.pointer),
        };
        let same = |(before, places): &(Value, Vec<String>)| {
            let value = settings.pointer(&inline.pointer);
            places.contains(&inline.pointer)
                && value.is_some()
                && value == before.pointer(&inline.pointer)
        };
        inline.is_guess() && (now || self.before.as_ref().is_some_and(same))
    }
}

/// Refuses what a device's user makes of settings that name secrets: who can say where a program sends
/// what it was given, can have it sent to himself. Before are the settings as they are, if there are any.
pub(crate) fn secrets_kept_from_users(
    before: Option<&Settings>,
    after: &Settings,
) -> Result<(), AppError> {
    if before == Some(after) {
        return Ok(());
    }
    let both = before.into_iter().chain([after]);
    let mut places: Vec<String> = both
        .flat_map(|settings| references(&settings.to_value()))
        .map(|reference| reference.pointer)
        .collect();
    places.sort();
    places.dedup();
    if places.is_empty() {
        return Ok(());
    }
    let text = "Settings that name a secret of the server are for administrators alone.";
    let finding = |place| Finding::error(place, "settings-secret-administrators", text);
    Err(AppError::SettingsInvalid {
        findings: places.into_iter().map(finding).collect(),
    })
}

impl App {
    /// Refuses settings that hold a secret or name one that is not there. Gives back what is to be kept
    /// with them. It comes before everything else that is done with settings: whoever finds fault with
    /// a value may quote it.
    pub(crate) async fn secrets_kept_out(
        &self,
        settings: &Settings,
        schema: Option<&Value>,
        allowed: &Allowed,
    ) -> Result<Vec<Finding>, AppError> {
        let value = settings.to_value();
        let (notices, mut errors): (Vec<Inline>, Vec<Inline>) = scan(&value, schema)
            .into_iter()
            .partition(|inline| allowed.is_allowed(inline, &value));
        errors.dedup();
        if !errors.is_empty() {
            let findings = errors.iter().map(Inline::finding).collect();
            return Err(AppError::SettingsInvalid { findings });
        }
        let findings = self.secrets_missing(&value).await?;
        if !findings.is_empty() {
            return Err(AppError::SettingsInvalid { findings });
        }
        Ok(notices.iter().map(Inline::allowed).collect())
    }

    async fn secrets_missing(&self, settings: &Value) -> Result<Vec<Finding>, AppError> {
        let named = references(settings);
        let mut findings = Vec::new();
        if named.is_empty() {
            return Ok(findings);
        }
        let mut connection = self.0.storage.read().await?;
        for reference in named {
            if secret_get(&mut connection, &reference.name)
                .await?
                .is_none()
            {
                // It is not said which: somebody may have written the secret in the place of its name.
                let text = "The vault has no secret of this name; `muster secret list` shows those that there \
                            are, and `muster secret set NAME` makes one.";
                findings.push(Finding::error(
                    reference.pointer,
                    "settings-secret-unknown",
                    text,
                ));
            }
        }
        Ok(findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_domain::secret::Kind;
    use serde_json::json;

    fn inline(kind: Kind) -> Inline {
        Inline {
            pointer: "/a".into(),
            kind,
        }
    }

    #[test]
    fn who_uses_a_device_has_no_say_about_settings_with_secrets() {
        let settings = |text: &str| Settings::parse(text).unwrap();
        let named = settings(r#"{"a": {"secret": "proxy"}, "to": "mirror"}"#);
        let other = settings(r#"{"a": {"secret": "proxy"}, "to": "elsewhere"}"#);
        let plain = settings(r#"{"a": 1}"#);
        let is_kept = |before, after| secrets_kept_from_users(before, after).is_err();
        assert!(is_kept(None, &named));
        assert!(is_kept(Some(&named), &other));
        assert!(is_kept(Some(&named), &plain));
        assert!(is_kept(Some(&plain), &named));
        assert!(!is_kept(Some(&named), &named));
        assert!(!is_kept(None, &plain));
    }

    #[test]
    fn what_was_said_holds_for_the_value_that_it_was_said_of() {
        let settings = json!({"a": "password=x"});
        let before = |value: &str| Allowed {
            now: AllowPlain::Nothing,
            before: Some((json!({"a": value}), vec!["/a".into()])),
        };
        let guess = inline(Kind::Named);
        assert!(before("password=x").is_allowed(&guess, &settings));
        assert!(!before("password=y").is_allowed(&guess, &settings));
        assert!(!Allowed::default().is_allowed(&guess, &settings));
        let at = |place: &str| Allowed::now(&AllowPlain::At(vec![place.into()]));
        assert!(at("/a").is_allowed(&guess, &settings));
        assert!(!at("/b").is_allowed(&guess, &settings));
        assert!(!at("/a").is_allowed(&inline(Kind::Marked), &settings));
    }
}
