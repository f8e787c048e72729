//! Files of objects, read strictly: they were written by people or came over other machines, so whatever
//! could be meant in two ways is refused with its place.

use crate::body::{check_media_type, read, unreadable};
use crate::edge::Edge;
use crate::problem::Problem;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use muster_api::objects::ObjectsFile;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;

/// The body of an import or an `apply`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strict<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Edge> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, edge: &Edge) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let (limit, time) = (edge.import_bytes(), edge.read_time());
        let text = read(body, limit, time, "the body", "http.import-size").await?;
        check_media_type(&parts.headers)?;
        parse(&text).map(Self)
    }
}

/// Reads a body. Each key may stand in an object once; the files in it must be of a form that is known.
fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let mut path = Vec::new();
    let unique = Unique { path: &mut path };
    let read = unique.deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|error| unreadable(&error, "."))?;
    let value: Value = serde_json::from_slice(text).map_err(|error| unreadable(&error, "."))?;
    check_form("file", value.get("file"))?;
    let files = value.get("files").and_then(Value::as_array);
    for (place, file) in files.into_iter().flatten().enumerate() {
        let name = file.get("name").and_then(Value::as_str);
        let place = name.map_or_else(|| format!("files[{place}]"), str::to_owned);
        check_form(&place, file.get("content"))?;
    }
    serde_path_to_error::deserialize(&value)
        .map_err(|error| unreadable(error.inner(), &error.path().to_string()))
}

/// Whether a file is one of ours, of a version that is known. Asked before all else, as a later version may
/// have anything in it.
fn check_form(place: &str, file: Option<&Value>) -> Result<(), Problem> {
    let Some(file) = file else { return Ok(()) };
    let refused = |code, detail: String| {
        let place: String = place.chars().take(200).collect();
        let detail = format!("in {place}: {detail}");
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail))
    };
    let (format, version) = (ObjectsFile::FORMAT, ObjectsFile::VERSION);
    match file.get("format").and_then(Value::as_str) {
        Some(given) if given == format => {}
        Some("muster-task") => {
            let detail = "this is a task file of an older program, with one task and a digest; export it \
                          again with this one";
            return refused("file-format", detail.to_owned());
        }
        _ => {
            let detail = format!(
                "this is no file of objects: it needs \"format\": \"{format}\", as `muster task export` and \
                 `muster export` write it"
            );
            return refused("file-format", detail);
        }
    }
    match file.get("version").and_then(Value::as_u64) {
        Some(given) if given == u64::from(version) => Ok(()),
        given => {
            let given = given.map_or_else(
                || "no version".to_owned(),
                |given| format!("version {given}"),
            );
            let detail = format!(
                "it has {given}, and {version} is the one that is known here; export it with a program of this \
                 server's version, or bring this server up to date"
            );
            refused("file-version", detail)
        }
    }
}

/// Reads anything and keeps nothing, but that it refuses a key that stands twice in an object.
struct Unique<'p> {
    path: &'p mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut place = 0_usize;
        loop {
            self.path.push(format!("[{place}]"));
            let item = items.next_element_seed(Unique {
                path: &mut *self.path,
            })?;
            self.path.pop();
            if item.is_none() {
                return Ok(());
            }
            place += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = fields.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                let place = if self.path.is_empty() {
                    String::new()
                } else {
                    format!(" of {}", self.path.concat().trim_start_matches('.'))
                };
                return Err(A::Error::custom(format!(
                    "the key {key:?}{place} is there twice; take one of the two out"
                )));
            }
            self.path.push(format!(".{key}"));
            fields.next_value_seed(Unique {
                path: &mut *self.path,
            })?;
            self.path.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_api::objects::TasksImport;
    use serde_json::json;

    fn told(text: &str) -> (u16, &'static str, String) {
        let problem = parse::<TasksImport>(text.as_bytes()).unwrap_err();
        let status = problem.status().as_u16();
        (status, problem.code(), problem.detail().to_owned())
    }

    fn file(more: &str) -> String {
        format!(r#"{{"file": {{"format": "muster-objects", "version": 1{more}}}}}"#)
    }

    #[test]
    fn what_may_be_meant_in_two_ways_is_refused_with_its_place() {
        let good: TasksImport = parse(file("").as_bytes()).unwrap();
        assert!(good.file.tasks.is_empty());
        let (status, code, detail) = told(&file(
            r#", "tasks": [{"name": "a",
            "settings": {"b": 1, "b": 2}}]"#,
        ));
        assert_eq!((status, code), (422, "request-invalid"));
        assert!(
            detail.contains(r#"the key "b" of file.tasks[0].settings is there twice"#),
            "{detail}"
        );
        assert!(detail.contains("line 2 column"), "{detail}");
        // In other letters it is the same key.
        assert!(told(r#"{"file": {}, "f\u0069le": {}}"#).2.contains("twice"));
        let (_, code, detail) = told(&file(r#", "tasks": [{"name": "a", "nmae": 1}]"#));
        assert_eq!(code, "request-invalid");
        assert!(
            detail.starts_with("In the body, file.tasks[0].nmae: unknown field `nmae`"),
            "{detail}"
        );
        let (_, code, detail) = told(&file(r#", "tasks": [{"name": 7}]"#));
        assert_eq!(code, "request-invalid");
        assert!(
            detail.starts_with("In the body, file.tasks[0].name: invalid type"),
            "{detail}"
        );
    }

    #[test]
    fn what_is_no_such_file_or_of_another_version_is_refused_before_all_else() {
        for (file, code, part) in [
            (json!({}), "file-format", "muster-objects"),
            (
                json!({"format": "muster-task", "version": 1, "digest": ""}),
                "file-format",
                "export it again",
            ),
            (
                json!({"format": "muster-objects", "version": 2, "news": 1}),
                "file-version",
                "it has version 2",
            ),
            (
                json!({"format": "muster-objects", "version": "1"}),
                "file-version",
                "no version",
            ),
        ] {
            let (status, told_code, detail) = told(&json!({ "file": file }).to_string());
            assert_eq!((status, told_code), (422, code), "{detail}");
            assert!(detail.contains(part), "{detail}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_or_is_no_json_is_refused() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(
            told(&file(&format!(r#", "tasks": {deep}"#))).1,
            "json-too-deep"
        );
        assert_eq!(told("{\"file\":\n nope}").1, "json-invalid");
        assert_eq!(told("").1, "json-invalid");
        assert_eq!(told(r#"{"file": {}} {}"#).1, "json-invalid");
    }
}
