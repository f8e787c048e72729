//! Findings: what is wrong, or worth a word, in settings.

use crate::{Finding, Level};
use std::fmt::{Display, Write};

/// A JSON Pointer (RFC 6901) from the steps to a place: `pointer!("paths", 3)` is `/paths/3`.
#[macro_export]
macro_rules! pointer {
    ($($step:expr),* $(,)?) => {
        $crate::pointer_of(&[$(&$step as &dyn ::core::fmt::Display),*])
    };
}

/// What [`pointer!`] calls.
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
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// The settings cannot be used. `code` is stable, lower-case with hyphens; `text` is one
    /// sentence that says what is wrong and what would be right.
    pub fn error(&mut self, pointer: String, code: &str, text: impl Into<String>) -> &mut Finding {
        self.add(Level::Error, pointer, code, text.into())
    }

    /// They can be used, and the administrator is told.
    pub fn warning(
        &mut self,
        pointer: String,
        code: &str,
        text: impl Into<String>,
    ) -> &mut Finding {
        self.add(Level::Warning, pointer, code, text.into())
    }

    /// For information only.
    pub fn notice(&mut self, pointer: String, code: &str, text: impl Into<String>) -> &mut Finding {
        self.add(Level::Notice, pointer, code, text.into())
    }

    fn add(&mut self, level: Level, pointer: String, code: &str, text: String) -> &mut Finding {
        let finding = Finding {
            level,
            pointer,
            code: code.into(),
            text,
            params: Vec::new(),
        };
        self.0.push_mut(finding)
    }

    /// Whether one of them refuses the settings.
    pub fn any_error(&self) -> bool {
        self.0.iter().any(|finding| finding.level == Level::Error)
    }
}

impl Finding {
    /// A value that the text speaks of, by name, so that the sentence can be translated.
    pub fn param(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.params.push((name.into(), value.to_string()));
        self
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn pointers_escape_what_rfc_6901_says() {
        assert_eq!(pointer!("paths", 3), "/paths/3");
        assert_eq!(pointer!("a/b", "m~n"), "/a~1b/m~0n");
        assert_eq!(pointer!(), "");
    }
}
