//! The contract is as it was released: within a major version it only grows.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by it")]

use std::collections::BTreeMap;
use std::path::Path;

/// The server's own world; it has to grow with what there is to import.
const OWN: &str = "world everything";

/// Interfaces and worlds by their heads, `interface describe`, without comments and blanks. Comments
/// may become clearer; nothing else changes.
fn items(folder: &Path) -> BTreeMap<String, String> {
    let mut items = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let plain: Vec<&str> = text
            .lines()
            .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
            .collect();
        let words: Vec<&str> = plain
            .iter()
            .flat_map(|line| line.split_whitespace())
            .collect();
        let mut text = words.join(" ");
        if let Some((package, rest)) = text.clone().split_once(';')
            && package.starts_with("package ")
        {
            items.insert("package".into(), package.into());
            text = rest.trim_start().into();
        }
        while let Some(open) = text.find('{') {
            let mut depth = 0_usize;
            let end = text.find(|c| {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                c == '}' && depth == 0
            });
            let rest = text.split_off(end.unwrap() + 1);
            let head = text.get(..open).unwrap().trim().to_owned();
            items.insert(head, std::mem::replace(&mut text, rest.trim_start().into()));
        }
    }
    items
}

#[test]
fn what_was_released_has_not_changed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let today = items(&root.join("../../wit/v1"));
    for release in std::fs::read_dir(root.join("wit")).unwrap() {
        let release = release.unwrap().path();
        let was = items(&release);
        assert!(was.len() > 10, "{} has only {was:?}", release.display());
        for (head, text) in was.iter().filter(|(head, _)| *head != OWN) {
            let version = release.file_name().unwrap().display();
            let now = today.get(head).map(String::as_str);
            assert_eq!(
                now,
                Some(text.as_str()),
                "\n`{head}` of wit/v1 is not what was released in {version}. Every plug-in that is out there \
                 breaks by it, even by one more field of a record.\n\
                 - For something new to import: give it an interface of its own in a new file of wit/v1, with \
                 `@since`, and keep a copy in tests/compat/wit.\n\
                 - For anything else: start wit/v2, and leave wit/v1 as it is."
            );
        }
    }
}

#[test]
fn a_change_is_seen_and_a_comment_is_none() {
    let of = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.wit"), text).unwrap();
        items(folder.path())
    };
    let before =
        of("package a:b@1.0.0;\n/// One.\ninterface a { record r { x: u32 } }\nworld w { }");
    assert_eq!(before.len(), 3);
    let clearer = of(
        "package a:b@1.0.0;\n/// Two.\ninterface a {\n  record r { x: u32 } // x\n}\nworld w { }",
    );
    assert_eq!(before, clearer);
    let other = of("package a:b@1.0.0;\ninterface a { record r { x: u32, y: u32 } }\nworld w { }");
    assert_ne!(before.get("interface a"), other.get("interface a"));
}
