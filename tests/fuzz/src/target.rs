//! The targets.

#![allow(clippy::expect_used, reason = "a target that finds something panics")]

use muster_plugin_host::fuzz;
use muster_release::bundle::{Bundle, Evidence};
use muster_release::registry::{Credentials, Reference, fuzz as fuzz_registry};
use muster_release::revocation::RevocationList;
use muster_release::signature::minisign::PublicKey;
use muster_release::signature::sigstore::TrustedRoot;
use muster_release::statement::Statement;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const COMPONENT_MOST: usize = 1 << 20;

/// Something that reads bytes of strangers.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its folder in the corpus, and of its program for cargo-fuzz.
    pub name: &'static str,
    /// Whether its bytes are JSON, which is then changed as such.
    pub json: bool,
    /// How often a bounded run calls it.
    pub runs: u32,
    /// Takes any bytes. Panics if something is wrong, with what reads them. Says whether they were
    /// accepted.
    pub call: fn(&[u8]) -> bool,
}

/// All of them.
pub const TARGETS: [Target; 13] = [
    of("component", false, 20_000, component),
    of("description", true, 3_000, description),
    of("command", true, 20_000, command),
    of("findings", true, 20_000, findings),
    of("outcome", true, 5_000, outcome),
    of("statement", true, 20_000, statement),
    of("revocations", true, 20_000, revocations),
    of("bundle", false, 20_000, bundle),
    of("keys", false, 10_000, keys),
    of("root", true, 3_000, root),
    of("registry", false, 20_000, registry),
    of("manifest", true, 20_000, manifest),
    of("answer", false, 20_000, answer),
];

const fn of(name: &'static str, json: bool, runs: u32, call: fn(&[u8]) -> bool) -> Target {
    Target {
        name,
        json,
        runs,
        call,
    }
}

/// The target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

fn component(bytes: &[u8]) -> bool {
    fuzz::component(bytes)
}

fn description(bytes: &[u8]) -> bool {
    kept(json(bytes).and_then(|json| fuzz::description(&json)))
}

fn command(bytes: &[u8]) -> bool {
    kept(json(bytes).and_then(|json| fuzz::command(&json)))
}

fn findings(bytes: &[u8]) -> bool {
    kept(json(bytes).and_then(|json| fuzz::findings(&json)))
}

fn outcome(bytes: &[u8]) -> bool {
    kept(json(bytes).and_then(|json| fuzz::outcome(&json)))
}

fn json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

/// What was accepted is kept as JSON, and comes back as it was when the server starts again.
fn kept<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    accepted: Option<T>,
) -> bool {
    let Some(accepted) = accepted else {
        return false;
    };
    let text = serde_json::to_string(&accepted).expect("what was accepted can be kept");
    let again: T = serde_json::from_str(&text).expect("what was kept can be read");
    assert_eq!(accepted, again);
    true
}

fn statement(bytes: &[u8]) -> bool {
    let Ok(statement) = Statement::parse(bytes) else {
        return false;
    };
    assert!(statement.expires > statement.created);
    let again = statement.to_bytes().expect("a statement can be written");
    assert_eq!(Statement::parse(&again).expect("and read"), statement);
    true
}

fn revocations(bytes: &[u8]) -> bool {
    let Ok(list) = RevocationList::parse(bytes) else {
        return false;
    };
    let again = list.to_bytes().expect("a list can be written");
    assert_eq!(RevocationList::parse(&again).expect("and read"), list);
    true
}

fn bundle(bytes: &[u8]) -> bool {
    if let Ok(evidence) = Evidence::read(bytes) {
        assert_eq!(evidence.write().expect("it can be written"), bytes);
    }
    let Ok(bundle) = Bundle::read(bytes, COMPONENT_MOST) else {
        return false;
    };
    // There is one form of each release, and that is the one that was read.
    assert_eq!(bundle.write().expect("a bundle can be written"), bytes);
    for signature in &bundle.signatures {
        signature.signer();
    }
    true
}

fn keys(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let Ok(key) = PublicKey::parse(text) else {
        return false;
    };
    assert!(PublicKey::parse(key.base64()).is_ok_and(|again| again == key));
    // Nothing is a signature over nothing by accident.
    assert!(key.verify(b"", bytes).is_err());
    true
}

fn root(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let Ok(root) = TrustedRoot::parse(text) else {
        return false;
    };
    // It is kept as it came, and read again at the next start.
    assert!(TrustedRoot::parse(root.json()).is_ok());
    assert!(root.verify(b"", bytes).is_err());
    true
}

fn registry(bytes: &[u8]) -> bool {
    let credentials = Credentials::read(bytes).is_ok();
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let Ok(reference) = text.parse::<Reference>() else {
        return credentials;
    };
    assert_eq!(reference.to_string(), text);
    let name = reference.name();
    assert!(!name.contains("..") && !name.contains("//") && !name.starts_with('/'));
    true
}

fn manifest(bytes: &[u8]) -> bool {
    let Some(written) = fuzz_registry::manifest(bytes) else {
        return false;
    };
    let again = fuzz_registry::manifest(&written).expect("a manifest that was written can be read");
    assert_eq!(again, written);
    true
}

fn answer(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let challenge = fuzz_registry::challenge(text);
    if let Some((realm, service)) = &challenge {
        let values = [Some(realm), service.as_ref()];
        assert!(values.into_iter().flatten().all(|value| {
            value.len() <= text.len() && !value.contains('"') && !value.contains('\\')
        }));
    }
    let token = fuzz_registry::token(bytes);
    assert!(token.iter().all(|token| token.starts_with("Bearer ")));
    let refusal = fuzz_registry::refusal(bytes);
    assert!(
        refusal
            .iter()
            .all(|said| { said.chars().count() <= 200 && !said.chars().any(char::is_control) })
    );
    challenge.is_some() || token.is_some() || refusal.is_some()
}
