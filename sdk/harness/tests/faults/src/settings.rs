//! What its settings mean, and what became of older ones.

use crate::exports::muster::plugin::{migrate, validate};
use crate::muster::plugin::log::{LogLevel, log};
use crate::muster::plugin::types::{Failure, Finding, Level};
use crate::{chance, has};
use serde_json::{Value, json};

fn finding(level: Level, pointer: impl Into<String>, code: &str) -> Finding {
    Finding {
        level,
        pointer: pointer.into(),
        code: code.into(),
        text: "This is not as it should be.".into(),
        params: vec![],
    }
}

/// Settings as they should be, or nothing.
pub(crate) fn read(settings: &str) -> Option<Value> {
    serde_json::from_str(settings)
        .ok()
        .filter(|settings: &Value| settings["path"].is_string())
}

pub(crate) fn names(settings: &Value) -> impl Iterator<Item = &str> {
    settings["names"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

impl validate::Guest for crate::Guest {
    fn validate(_: String, settings: String) -> Result<validate::Verdict, Failure> {
        if has("reads-only-json") {
            let _: Value = serde_json::from_str(&settings).expect("the server sends JSON");
        }
        let Some(settings) = read(&settings) else {
            return Err(Failure::Internal("these are no settings".into()));
        };
        let path = settings["path"].as_str().unwrap_or_default();
        let depth = settings["depth"].as_f64().unwrap_or_default();
        if has("cuts-within-a-character") && path.len() > 8 {
            std::hint::black_box(&path[..8]);
        }
        if has("counts-in-eight-bits") && depth > 255.0 {
            std::hint::black_box(u8::try_from(depth as i64).unwrap());
        }
        if has("fills-its-memory") {
            std::hint::black_box(vec![1_u8; 50 << 20]);
        }
        if has("talks-too-much") {
            for _ in 0..70 {
                log(LogLevel::Debug, &"x".repeat(1 << 10));
            }
        }
        let mut findings = vec![];
        if path.contains('\0') && !has("hands-on-zero-bytes") {
            findings.push(finding(Level::Error, "/path", "zero-byte"));
        }
        for (number, name) in names(&settings).enumerate() {
            if name == path {
                let pointer = if has("pointer-without-slash-of-list") {
                    format!("/names{number}")
                } else {
                    format!("/names/{number}")
                };
                findings.push(finding(Level::Warning, pointer, "name-is-path"));
            }
        }
        if depth > 500.0 {
            let code = if has("code-in-capitals") {
                "TOO_DEEP"
            } else {
                "too-deep"
            };
            findings.push(finding(Level::Warning, "/depth", code));
        }
        if has("verdict-by-chance") && chance().is_some_and(|number| number < 128) {
            findings.push(finding(Level::Notice, "", "by-chance"));
        }
        if has("cannot-be-denied") {
            chance().expect("random bytes are granted");
        }
        Ok(validate::Verdict { findings })
    }
}

impl migrate::Guest for crate::Guest {
    fn migrate(_: String, _: u32, settings: String) -> Result<String, Failure> {
        let old: Value = serde_json::from_str(&settings).unwrap_or_default();
        if has("migrates-only-a-path") {
            return Ok(json!({ "path": shortened(old["path"].as_str().unwrap()) }).to_string());
        }
        let mut new = json!({ "path": shortened(old["path"].as_str().unwrap_or("/")) });
        if has("keeps-old-members")
            && let Some(members) = old.as_object()
        {
            for (name, value) in members.iter().filter(|(name, _)| *name != "path") {
                new[name] = value.clone();
            }
        }
        if has("migrates-by-chance") {
            new["depth"] = json!(chance().unwrap_or(0));
        }
        Ok(new.to_string())
    }
}

fn shortened(path: &str) -> String {
    let path: String = path.chars().take(200).collect();
    if path.is_empty() { "/".into() } else { path }
}
