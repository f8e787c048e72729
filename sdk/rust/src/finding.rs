//! Findings: what is wrong, or worth a word, in settings.

use crate::outcome::cut;
use crate::{Finding, JsonSchema, Level};
use std::fmt::{Display, Write};

/// Findings that a server takes in one answer.
const MOST: usize = 1000;
/// Bytes of a text, or of a param, that a server takes, less a little.
const LONGEST: usize = 3990;

/// The JSON Pointer (RFC 6901) to a setting, written as the setting itself is: by the fields that lead
/// to it, and by indexes. A field that is not there does not compile, and one that serde renames is
/// called as in JSON.
///
/// ```
/// use muster_sdk::{Findings, JsonSchema, at, serde::Deserialize};
///
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(crate = "muster_sdk::serde", rename_all = "kebab-case")]
/// struct Settings {
///     left_out: Exclusions,
/// }
///
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(crate = "muster_sdk::serde")]
/// struct Exclusions {
///     paths: Vec<String>,
/// }
///
/// fn check(settings: &Settings, findings: &mut Findings) {
///     for (index, path) in settings.left_out.paths.iter().enumerate() {
///         if !path.starts_with('/') {
///             findings.error(
///                 at!(settings.left_out.paths[index]),
///                 "path-relative",
///                 "Write the path from / on.",
///             );
///         }
///     }
/// }
///
/// let left_out = Exclusions { paths: vec!["/srv".into(), "srv".into()] };
/// let mut findings = Findings::default();
/// check(&Settings { left_out }, &mut findings);
/// assert_eq!(findings.0[0].pointer, "/left-out/paths/1");
/// ```
///
/// A misspelt field:
///
/// ```compile_fail
/// # use muster_sdk::{NoSettings, at};
/// let settings = NoSettings {};
/// at!(settings.path);
/// ```
#[macro_export]
macro_rules! at {
    ($settings:ident $($path:tt)+) => {
        $crate::at_steps!([$settings] [] $($path)+)
    };
}

/// What [`at!`] becomes, a step at a time: the expression so far, and the names so far.
#[doc(hidden)]
#[macro_export]
macro_rules! at_steps {
    ([$($seen:tt)+] [$($step:expr,)*]) => {{
        // Never called: it has to compile.
        let _ = || {
            let _ = &$($seen)+;
        };
        $crate::pointer_of(&[$(&$step as &dyn ::core::fmt::Display),*])
    }};
    ([$($seen:tt)+] [$($step:expr,)*] . $field:ident $($rest:tt)*) => {
        $crate::at_steps!(
            [$($seen)+ . $field]
            [$($step,)* $crate::name_of(|| &$($seen)+, ::core::stringify!($field)),]
            $($rest)*
        )
    };
    ([$($seen:tt)+] [$($step:expr,)*] [$index:expr] $($rest:tt)*) => {
        $crate::at_steps!([$($seen)+ [$index]] [$($step,)* $index,] $($rest)*)
    };
}

/// What a field is called in JSON. The function is only for its type, and never called.
#[doc(hidden)]
pub fn name_of<'a, T: JsonSchema + ?Sized + 'a>(
    _: impl FnOnce() -> &'a T,
    field: &'static str,
) -> &'static str {
    let fields = T::FIELDS.iter();
    let mut names = fields.filter(|(rust, _)| *rust == field);
    names.next().map_or(field, |(_, name)| name)
}

/// A JSON Pointer (RFC 6901) from the steps to a place, where [`at!`] cannot follow.
///
/// ```
/// use muster_sdk::pointer;
///
/// let name = "paths";
/// assert_eq!(pointer!(name, 3), "/paths/3");
/// assert_eq!(pointer!("a/b"), "/a~1b");
/// ```
#[macro_export]
macro_rules! pointer {
    ($($step:expr),* $(,)?) => {
        $crate::pointer_of(&[$(&$step as &dyn ::core::fmt::Display),*])
    };
}

/// What [`pointer!`] calls.
#[doc(hidden)]
pub fn pointer_of(steps: &[&dyn Display]) -> String {
    let mut pointer = String::new();
    for step in steps {
        pointer.push('/');
        let begin = pointer.len();
        // Writing to a string does not fail.
        let _ = write!(pointer, "{step}");
        if pointer
            .get(begin..)
            .is_some_and(|step| step.contains(['~', '/']))
        {
            let step = pointer.split_off(begin);
            pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
    }
    pointer
}

/// All that was found in the settings of one task.
///
/// ```
/// use muster_sdk::{Findings, pointer};
///
/// let mut findings = Findings::default();
/// findings.notice(pointer!("depth"), "depth-unused", "Nothing is nested here.");
/// findings.warning(pointer!("paths", 1), "path-twice", "/srv stands in the list twice.");
/// assert!(!findings.any_error());
/// findings
///     .error(pointer!("paths", 0), "path-relative", "Write the path from / on.")
///     .param("path", "srv");
/// assert!(findings.any_error());
/// assert_eq!(findings.0[2].params, [("path".into(), "srv".into())]);
/// ```
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// The settings cannot be used, as the [example](Findings) shows. `code` is stable, lower-case with hyphens; `text` is one
    /// sentence that says what is wrong and what would be right.
    pub fn error(&mut self, pointer: String, code: &str, text: impl Into<String>) -> &mut Finding {
        self.add(Level::Error, pointer, code, &text.into())
    }

    /// They can be used, and the administrator is told.
    pub fn warning(
        &mut self,
        pointer: String,
        code: &str,
        text: impl Into<String>,
    ) -> &mut Finding {
        self.add(Level::Warning, pointer, code, &text.into())
    }

    /// For information only.
    pub fn notice(&mut self, pointer: String, code: &str, text: impl Into<String>) -> &mut Finding {
        self.add(Level::Notice, pointer, code, &text.into())
    }

    fn add(&mut self, level: Level, pointer: String, code: &str, text: &str) -> &mut Finding {
        // A sentence may quote a setting, which can be long and hold anything. A server takes out what
        // steers a terminal, and each such character becomes three bytes.
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        let text = match cut(&text, LONGEST) {
            all if all.len() == text.len() => text,
            cut => format!("{cut}…"),
        };
        let finding = Finding {
            level,
            pointer,
            code: code.into(),
            text,
            params: Vec::new(),
        };
        self.0.push_mut(finding)
    }

    /// As many as a server takes, errors before others; the last one tells how many are left out.
    pub(crate) fn bounded(self) -> Self {
        let all = self.0.len();
        if all <= MOST {
            return self;
        }
        let is_error = |finding: &Finding| finding.level == Level::Error;
        let (mut kept, others): (Vec<_>, Vec<_>) = self.0.into_iter().partition(is_error);
        kept.extend(others);
        kept.truncate(MOST - 1);
        let mut kept = Self(kept);
        let text = format!("{} more findings are left out.", all - (MOST - 1));
        kept.notice(String::new(), "findings-left-out", text);
        kept
    }

    /// Whether one of them refuses the settings.
    pub fn any_error(&self) -> bool {
        self.0.iter().any(|finding| finding.level == Level::Error)
    }
}

impl Finding {
    /// A value that the text speaks of, by name, so that the sentence can be translated.
    ///
    /// ```
    /// use muster_sdk::Findings;
    ///
    /// let mut findings = Findings::default();
    /// findings.error("/size".into(), "too-large", "At most 9.").param("most", 9);
    /// assert_eq!(findings.0[0].params, [("most".into(), "9".into())]);
    /// ```
    pub fn param(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        self.params
            .push((name.into(), cut(&value, LONGEST).to_owned()));
        self
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_quotes_a_long_setting_is_cut() {
        let mut findings = crate::Findings::default();
        let long = "é".repeat(5000);
        findings
            .error(pointer!("a"), "a-long", format!("{long} is long."))
            .param("a", &long);
        let found = &findings.0[0];
        assert!(found.text.len() <= 4000 && found.text.ends_with('…'));
        assert!(found.params[0].1.len() <= 4000);
        findings.error(pointer!("a"), "a-control", "\u{1}".repeat(3000));
        let plain = findings.0.pop().map(|finding| finding.text);
        assert!(plain.is_some_and(|text| text.len() <= 4000 && text.starts_with('\u{fffd}')));
        findings.error(pointer!("a"), "a-short", "Short.");
        assert_eq!(findings.0[1].text, "Short.");
    }

    #[test]
    fn pointers_escape_what_rfc_6901_says() {
        assert_eq!(pointer!("paths", 3), "/paths/3");
        assert_eq!(pointer!("a/b", "m~n"), "/a~1b/m~0n");
        assert_eq!(pointer!(), "");
    }

    #[test]
    fn no_more_than_a_server_takes_are_answered_and_errors_come_first() {
        let mut findings = crate::Findings::default();
        for number in 0..1200 {
            findings.notice(crate::pointer!(number), "odd", "It is odd.");
        }
        findings.error(crate::pointer!("last"), "wrong", "It is wrong.");
        let kept = findings.bounded();
        assert_eq!(kept.0.len(), super::MOST);
        assert_eq!(kept.0[0].pointer, "/last");
        assert_eq!(kept.0[1].pointer, "/0");
        assert_eq!(kept.0[999].text, "202 more findings are left out.");
    }
}
