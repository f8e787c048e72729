//! Files of objects, as they are read here: JSON goes to the server as it is, TOML as the JSON that it
//! means. What they mean is the server's to say.

use crate::failure::Failure;
use crate::input::{InputError, Source};
use muster_api::objects::{ImportMapping, NamesTaken};
use serde::Deserialize as _;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folders within folders that are looked into.
const MOST_DEPTH: usize = 16;

/// A file as JSON.
pub(crate) fn of_file(source: &Source) -> Result<Box<RawValue>, Failure> {
    if let Source::File(path) = source
        && path
            .extension()
            .is_some_and(|extension| extension == "toml")
    {
        let value = toml_value(source)?;
        return raw(source, value.to_string());
    }
    raw(source, source.text()?)
}

fn raw(source: &Source, text: String) -> Result<Box<RawValue>, Failure> {
    // Told here with line and column.
    RawValue::from_string(text).map_err(|cause| InputError::NotJson(source.clone(), cause).into())
}

fn toml_value(source: &Source) -> Result<Value, Failure> {
    let text = source.text()?;
    let value: Value = toml::from_str(&text)
        .map_err(|cause| Failure::Usage(format!("{source} is not valid TOML: {cause}")))?;
    if has_date(&value) {
        let text = format!(
            "{source} has a date or a time without quotation marks; write it as text, such as \"18:00\""
        );
        return Err(Failure::Usage(text));
    }
    Ok(value)
}

/// TOML has dates as values of their own, which JSON has not.
fn has_date(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| key.starts_with("$__toml_private") || has_date(value)),
        Value::Array(items) => items.iter().any(has_date),
        _ => false,
    }
}

/// The files that a path means, in the order of their names: itself, or those of a folder and the folders in
/// it that end in `.json` or `.toml`.
pub(super) fn files(source: &Source) -> Result<Vec<Source>, Failure> {
    let Source::File(path) = source else {
        return Ok(vec![source.clone()]);
    };
    if !path.is_dir() {
        return Ok(vec![source.clone()]);
    }
    let mut found = Vec::new();
    gather(path, MOST_DEPTH, &mut found)?;
    if found.is_empty() {
        let text = format!("{source} holds no file that ends in .json or .toml");
        return Err(Failure::Usage(text));
    }
    Ok(found.into_iter().map(Source::File).collect())
}

fn gather(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let read = |cause| InputError::Read(Source::File(folder.to_owned()), cause);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        paths.push(entry.map_err(read)?.path());
    }
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let ending = path
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if depth == 0 {
                let text = format!(
                    "{} lies too deep; at most {MOST_DEPTH} folders",
                    path.display()
                );
                return Err(Failure::Usage(text));
            }
            gather(&path, depth - 1, found)?;
            continue;
        }
        match ending {
            "json" | "toml" => found.push(path),
            "yaml" | "yml" => {
                let text = format!(
                    "{} is YAML, which is not read here; write it as JSON or TOML, or move it away",
                    path.display()
                );
                return Err(Failure::Usage(text));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What stands for what: a file, and what is given beside it.
pub(crate) fn mapping(
    file: Option<&Source>,
    names: Option<NamesTaken>,
    given: [(&[String], &str); 5],
) -> Result<ImportMapping, Failure> {
    let mut mapping = match file {
        None => ImportMapping::default(),
        Some(source) => {
            let value = match source {
                Source::File(path) if path.extension().is_some_and(|ending| ending == "toml") => {
                    toml_value(source)?
                }
                _ => source.json()?,
            };
            ImportMapping::deserialize(&value)
                .map_err(|cause| Failure::Usage(format!("{source} is no mapping: {cause}")))?
        }
    };
    if let Some(names) = names {
        mapping.names = names;
    }
    let slots = [
        &mut mapping.rename,
        &mut mapping.groups,
        &mut mapping.devices,
        &mut mapping.selections,
        &mut mapping.tasks,
    ];
    for (slot, (pairs, option)) in slots.into_iter().zip(given) {
        put(slot, pairs, option)?;
    }
    Ok(mapping)
}

fn put(map: &mut BTreeMap<String, String>, pairs: &[String], option: &str) -> Result<(), Failure> {
    for pair in pairs {
        let (from, to) = pair.split_once('=').ok_or_else(|| {
            Failure::Usage(format!("{option} {pair:?} has no `=`; write FROM=TO"))
        })?;
        map.insert(from.to_owned(), to.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, text: &str) -> (tempfile::TempDir, Source) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, Source::File(path))
    }

    #[test]
    fn json_goes_as_it_is_written_and_toml_as_what_it_means() {
        let (_folder, json) = written("a.json", "{ \"a\": 1, \"a\": 2 }");
        assert_eq!(of_file(&json).unwrap().get(), "{ \"a\": 1, \"a\": 2 }");
        let (_folder, toml) = written("a.toml", "b = 1\n[[tasks]]\nname = \"x\"\nat = \"18:00\"\n");
        assert_eq!(
            of_file(&toml).unwrap().get(),
            r#"{"b":1,"tasks":[{"at":"18:00","name":"x"}]}"#
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        let told = |name, text| {
            let (_folder, source) = written(name, text);
            muster_domain::chain(&of_file(&source).unwrap_err())
        };
        assert!(told("a.json", "{\n nope}").contains("line 2 column 2"));
        assert!(told("a.toml", "a = 1\na = 2\n").contains("duplicate key"));
        assert!(told("a.toml", "at = 18:00:00\n").contains("quotation marks"));
    }

    #[test]
    fn a_folder_means_its_files_in_order_and_yaml_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.json", "a.toml", "README.md", ".hidden.json", "c/d.json"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "{}").unwrap();
        }
        let of = || files(&Source::File(folder.path().to_owned()));
        let names: Vec<String> = of()
            .unwrap()
            .iter()
            .map(|file| file.to_string().rsplit_once('/').unwrap().1.to_owned())
            .collect();
        assert_eq!(names, ["a.toml", "b.json", "d.json"]);
        std::fs::write(folder.path().join("e.yaml"), "").unwrap();
        assert!(of().unwrap_err().to_string().contains("YAML"));
    }

    #[test]
    fn what_is_given_stands_over_the_mapping_s_file() {
        let (_folder, file) = written("m.toml", "names = \"skip\"\n[groups]\n\"/A\" = \"/B\"\n");
        let groups = ["/A=/C".to_owned(), "/D=/E=F".to_owned()];
        let none: &[String] = &[];
        let given = [
            (none, ""),
            (&groups[..], ""),
            (none, ""),
            (none, ""),
            (none, ""),
        ];
        let mapping = mapping(Some(&file), None, given).unwrap();
        assert_eq!(mapping.names, NamesTaken::Skip);
        assert_eq!(mapping.groups["/A"], "/C");
        assert_eq!(mapping.groups["/D"], "/E=F");
    }
}
