//! The files of a new project: those of `sdk/*/template`, and of `sdk/template`, which every language
//! gets. They are part of this program.

use super::Language;
use super::name::Name;
use std::path::PathBuf;

/// What is put in the place of `{{…}}`.
pub(super) struct Values<'a> {
    pub(super) name: &'a Name,
    pub(super) application: &'a str,
    pub(super) sdk: &'a str,
}

/// The files of a folder, each with its path below it.
macro_rules! template {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../../../../", $folder, "/", $path)))),*]
    };
}

/// One plug-in is the same in every language: so are its cases.
const SHARED: &[(&str, &str)] = template!("sdk/template":
    "cases/find-logs/command.json",
    "cases/find-logs/outcome.json",
    "cases/find-logs/report.json",
    "cases/find-logs/task.json",
    "cases/find-logs/verdict.json",
    "cases/folder-not-absolute/command.json",
    "cases/folder-not-absolute/task.json",
    "cases/folder-not-absolute/verdict.json",
    "cases/nothing-found/command.json",
    "cases/nothing-found/outcome.json",
    "cases/nothing-found/report.json",
    "cases/nothing-found/task.json",
    "cases/nothing-found/verdict.json",
    "connector.toml.template",
);

const RUST: &[(&str, &str)] = template!("sdk/rust/template":
    "Cargo.toml.template",
    "README.md.template",
    "build.rs",
    "gitignore",
    "src/lib.rs.template",
    "tests/cases.rs.template",
);

const PYTHON: &[(&str, &str)] = template!("sdk/python/template":
    "README.md.template",
    "gitignore",
    "plugin.py.template",
    "pyproject.toml.template",
    "requirements.txt.template",
    "tests/__init__.py",
    "tests/test_plugin.py",
);

const JAVASCRIPT: &[(&str, &str)] = template!("sdk/javascript/template":
    "README.md.template",
    "gitignore",
    "jsconfig.json",
    "npmrc",
    "package.json.template",
    "src/find-files.js",
    "src/plugin.js.template",
    "test/plugin.test.js",
);

/// All files of a new project.
pub(super) fn files(language: Language, values: &Values<'_>) -> Vec<(PathBuf, String)> {
    let files = match language {
        Language::Rust => RUST,
        Language::Python => PYTHON,
        Language::Javascript => JAVASCRIPT,
    };
    SHARED
        .iter()
        .chain(files)
        .map(|(path, text)| (place(path), filled(text, values)))
        .collect()
}

/// Files that would mean something to tools where they lie in the checkout have other names there.
fn place(path: &str) -> PathBuf {
    match path {
        "gitignore" => ".gitignore".into(),
        "npmrc" => ".npmrc".into(),
        _ => path.strip_suffix(".template").unwrap_or(path).into(),
    }
}

fn filled(text: &str, values: &Values<'_>) -> String {
    [
        ("{{name}}", values.name.as_str()),
        ("{{crate}}", &values.name.snake()),
        ("{{type}}", &values.name.camel()),
        ("{{title}}", &values.name.title()),
        ("{{application}}", values.application),
        ("{{sdk}}", values.sdk),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (mark, value)| {
        text.replace(mark, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn found(folder: &Path, below: &Path, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder.join(below)).unwrap() {
            let path = below.join(entry.unwrap().file_name());
            if folder.join(&path).is_dir() {
                found(folder, &path, into);
            } else {
                into.push(path.to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn no_file_of_a_template_is_forgotten() {
        for (folder, files) in [
            ("template", SHARED),
            ("rust/template", RUST),
            ("python/template", PYTHON),
            ("javascript/template", JAVASCRIPT),
        ] {
            let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk");
            let mut there = Vec::new();
            found(&place.join(folder), Path::new(""), &mut there);
            there.sort();
            let listed: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
            assert_eq!(listed, there);
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let values = Values {
            name: &"example-scanner".parse().unwrap(),
            application: "org.example.example-scanner",
            sdk: "\"0.1.0\"",
        };
        let languages = [Language::Rust, Language::Python, Language::Javascript];
        let all = languages
            .into_iter()
            .flat_map(|language| files(language, &values));
        for (path, text) in all {
            for mark in ["name", "crate", "type", "title", "application", "sdk"] {
                let left = format!("{{{{{mark}}}}}");
                assert!(!text.contains(&left), "{}: {left}", path.display());
            }
            assert!(path.extension().is_none_or(|ending| ending != "template"));
        }
    }
}
