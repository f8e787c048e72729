//! Names of plug-ins, and what is made of them in a project.

use std::str::FromStr;

/// A name that is a folder, a package of each language, and the end of an application's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

/// Words that a language or its tools keep for themselves.
const TAKEN: [&str; 54] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "class",
    "const",
    "continue",
    "core",
    "crate",
    "def",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "final",
    "fn",
    "for",
    "function",
    "gen",
    "if",
    "impl",
    "import",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "node-modules",
    "override",
    "package",
    "priv",
    "proc-macro",
    "pub",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "target",
    "test",
    "trait",
    "type",
    "use",
    "where",
    "while",
];

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let letter = |c: char| c.is_ascii_lowercase();
        if text.is_empty() || text.len() > 40 {
            return Err("a name has 1 to 40 characters".into());
        }
        if let Some(other) = text
            .chars()
            .find(|&c| !letter(c) && !c.is_ascii_digit() && c != '-')
        {
            return Err(format!(
                "{other:?} cannot be in a name; it has lower-case letters, digits and hyphens, such as example-scanner"
            ));
        }
        if !text.starts_with(letter) || text.ends_with('-') || text.contains("--") {
            return Err(
                "a name begins with a letter, and has single hyphens between its parts".into(),
            );
        }
        if TAKEN.contains(&text) || text.starts_with("muster-sdk") {
            return Err(format!(
                "{text} is a word of the languages or their tools; choose another name"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Name {
    /// `example-scanner`.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// `example_scanner`: a crate or a module.
    pub(super) fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `ExampleScanner`: a type.
    pub(super) fn camel(&self) -> String {
        self.parts().collect()
    }

    /// `Example Scanner`: for people.
    pub(super) fn title(&self) -> String {
        self.parts().collect::<Vec<_>>().join(" ")
    }

    fn parts(&self) -> impl Iterator<Item = String> {
        self.0.split('-').map(|part| {
            let mut letters = part.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_good_for_every_language() {
        let name: Name = "example-scanner2".parse().unwrap();
        assert_eq!(name.snake(), "example_scanner2");
        assert_eq!(name.camel(), "ExampleScanner2");
        assert_eq!(name.title(), "Example Scanner2");
    }

    #[test]
    fn other_names_are_refused_with_the_reason() {
        for (name, reason) in [
            ("", "1 to 40"),
            ("Scanner", "'S' cannot"),
            ("a/b", "'/' cannot"),
            ("..", "'.' cannot"),
            ("a_b", "'_' cannot"),
            ("2fast", "begins with a letter"),
            ("a-", "single hyphens"),
            ("a--b", "single hyphens"),
            ("test", "choose another"),
        ] {
            let refused = name.parse::<Name>().unwrap_err();
            assert!(refused.contains(reason), "{name}: {refused}");
        }
    }
}
