//! The matrix of refusals: whatever can be wrong with a release or a revocation list, each made
//! with real keys and signatures, and each refused with a code of its own kind.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by it"
)]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use muster_domain::Digest;
use muster_release::bundle::{SignatureFile, SignatureKind};
use muster_release::revocation::{RevocationList, RevokedIdentity};
use muster_release::signature::sigstore::{Identity, TrustedRoot};
use muster_release::statement::Statement;
use muster_release::trust::{
    Accepted, Credential, CredentialRevoked, HeldList, Means, Policy, Release, TrustRefusal,
    TrustStore, refuse_replay,
};
use std::collections::BTreeSet;
use support::sigstore::Sigstore;
use support::{
    APPLICATION, COMPONENT, Key, application, credential, description, hours, signer, statement,
    statement_of, store,
};

const ISSUER: &str = "https://ci.example";
const SUBJECT: &str = "https://ci.example/guard/build@refs/tags/v1";

/// Everything right, for each case to spoil one thing.
struct World {
    key: Key,
    other: Key,
    sigstore: Sigstore,
    store: TrustStore,
    statement: Statement,
}

impl World {
    fn new() -> Self {
        let (key, sigstore) = (Key::new(), Sigstore::new());
        let identity = Means::Identity(Identity {
            issuer: ISSUER.into(),
            subject: SUBJECT.into(),
        });
        let mut store = store(vec![
            key.credential("vendor", 1),
            credential(identity, "vendor", 2),
        ]);
        store.root = Some(TrustedRoot::parse(&sigstore.root()).unwrap());
        Self {
            other: Key::new(),
            statement: statement(),
            key,
            sigstore,
            store,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        self.statement.to_bytes().unwrap()
    }

    /// The store's key, to be spoiled.
    fn known(&mut self) -> &mut Credential {
        &mut self.store.credentials[0]
    }

    fn list(&mut self, name: &str, authority: bool, fill: impl FnOnce(&mut RevocationList)) {
        let mut list = RevocationList::new(7, Timestamp::now());
        fill(&mut list);
        self.store.revocations.push(HeldList {
            signer: signer(name),
            authority,
            list,
        });
    }

    fn verify(&self, statement: Option<&[u8]>, signatures: &[SignatureFile]) -> Outcome {
        let release = Release {
            digest: Digest::of(COMPONENT),
            statement,
            signatures,
        };
        self.store.verify(&release, Timestamp::now()).map(|_| ())
    }

    /// The statement as it is, signed as it is to be.
    fn signed(&self) -> Outcome {
        let bytes = self.bytes();
        self.verify(Some(&bytes), &[self.key.sign(&bytes)])
    }

    /// A statement, and a signature over something that is like it.
    fn mismatched(&self, change: impl FnOnce(&mut Vec<u8>)) -> Outcome {
        let bytes = self.bytes();
        let signature = self.key.sign(&bytes);
        let mut changed = bytes;
        change(&mut changed);
        self.verify(Some(&changed), &[signature])
    }

    /// The statement, and a signature that was changed afterwards.
    fn spoiled(&self, change: impl FnOnce(&mut Vec<u8>)) -> Outcome {
        let bytes = self.bytes();
        let mut signature = self.key.sign(&bytes);
        change(&mut signature.bytes);
        self.verify(Some(&bytes), &[signature])
    }

    /// Bytes that are no statement, and a good signature over them.
    fn signed_text(&self, change: impl FnOnce(String) -> String) -> Outcome {
        let text = change(String::from_utf8(self.bytes()).unwrap());
        self.verify(Some(text.as_bytes()), &[self.key.sign(text.as_bytes())])
    }

    fn by_identity(&self, sigstore: &Sigstore, issuer: &str, subject: &str) -> Outcome {
        let bytes = self.bytes();
        self.verify(Some(&bytes), &[sigstore.sign(issuer, subject, &bytes)])
    }

    fn list_signed(&self, by: &Key, change: impl FnOnce(&mut RevocationList)) -> Outcome {
        let mut list = RevocationList::new(8, Timestamp::now());
        change(&mut list);
        let bytes = list.to_bytes().unwrap();
        let signatures = [by.sign(&bytes)];
        let verified = self
            .store
            .verify_list(&bytes, &signatures, Timestamp::now());
        verified.map(|_| ())
    }
}

type Outcome = Result<(), TrustRefusal>;

impl World {
    /// A component that the policy admits, and that says it is for an application that has an owner.
    fn unsigned_for_owned(mut self, policy: Policy) -> Outcome {
        self.store.policy = policy;
        self.store.pinned.insert(Digest::of(COMPONENT));
        let owner = signer("vendor");
        self.store.owners.insert(application(APPLICATION), owner);
        let release = Release {
            digest: Digest::of(COMPONENT),
            statement: None,
            signatures: &[],
        };
        let verified = self.store.verify(&release, Timestamp::now())?;
        self.store
            .refuse_other_owner(&application(APPLICATION), &verified.signers)
    }
}

/// The line of a signature, with its bytes changed.
fn line(signature: &mut Vec<u8>, number: usize, change: impl FnOnce(&mut Vec<u8>)) {
    let text = String::from_utf8(signature.clone()).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut bytes = STANDARD.decode(&lines[number]).unwrap();
    change(&mut bytes);
    lines[number] = STANDARD.encode(bytes);
    *signature = format!("{}\n", lines.join("\n")).into_bytes();
}

struct Case {
    what: &'static str,
    code: &'static str,
    run: fn(World) -> Outcome,
}

const fn case(what: &'static str, code: &'static str, run: fn(World) -> Outcome) -> Case {
    Case { what, code, run }
}

const CASES: &[Case] = &[
    case("nothing beside the component", "release-unsigned", |w| {
        w.verify(None, &[])
    }),
    case("unsigned and not pinned", "release-not-pinned", |mut w| {
        w.store.policy = Policy::Pinned;
        w.store.pinned.insert(Digest::of("another component"));
        w.verify(None, &[])
    }),
    case("a signature of nothing", "statement-missing", |w| {
        w.verify(None, &[w.key.sign(&w.bytes())])
    }),
    case("a statement that nobody signed", "signature-missing", |w| {
        w.verify(Some(&w.bytes()), &[])
    }),
    case(
        "the same where unsigned ones are taken",
        "signature-missing",
        |mut w| {
            w.store.policy = Policy::Dev;
            w.verify(Some(&w.bytes()), &[])
        },
    ),
    case("an empty statement", "statement-empty", |w| {
        w.verify(Some(b""), &[w.key.sign(b"")])
    }),
    case("a truncated statement", "signature-wrong", |w| {
        w.mismatched(|statement| statement.truncate(statement.len() / 2))
    }),
    case("extra bytes behind a statement", "signature-wrong", |w| {
        w.mismatched(|statement| statement.push(b'\n'))
    }),
    case(
        "extra bytes that were signed",
        "statement-unreadable",
        |w| w.signed_text(|text| text + "{}"),
    ),
    case("a key that nobody knows", "statement-unreadable", |w| {
        w.signed_text(|text| text.replace("\"limits\"", "\"more\": 1, \"limits\""))
    }),
    case("a key that is there twice", "statement-unreadable", |w| {
        w.signed_text(|text| text.replace("\"limits\"", "\"version\": \"9.0.0\", \"limits\""))
    }),
    case("a statement of 65 KiB", "statement-unreadable", |w| {
        w.signed_text(|text| text + &" ".repeat(65 << 10))
    }),
    case("a later format", "statement-format-unknown", |w| {
        w.signed_text(|text| text.replace("muster-statement/1", "muster-statement/2"))
    }),
    case(
        "a revocation list as a statement",
        "statement-format-unknown",
        |w| {
            let list = RevocationList::new(1, Timestamp::now()).to_bytes().unwrap();
            w.verify(Some(&list), &[w.key.sign(&list)])
        },
    ),
    case("an empty signature", "signature-empty", |w| {
        w.spoiled(Vec::clear)
    }),
    case("a truncated signature", "signature-malformed", |w| {
        w.spoiled(|signature| signature.truncate(signature.len() - 20))
    }),
    case(
        "extra bytes behind a signature",
        "signature-malformed",
        |w| w.spoiled(|signature| signature.extend(b"untrusted comment: more\n")),
    ),
    case("a signature that is no text", "signature-malformed", |w| {
        w.spoiled(|signature| *signature = vec![0xff; 300])
    }),
    case("one bit of a signature changed", "signature-wrong", |w| {
        w.spoiled(|signature| line(signature, 1, |bytes| bytes[40] ^= 1))
    }),
    case("its trusted comment changed", "signature-wrong", |w| {
        w.spoiled(|signature| {
            let text = String::from_utf8(signature.clone()).unwrap();
            *signature = text.replace("a test", "a tesT").into_bytes();
        })
    }),
    case("minisign's legacy form", "signature-legacy", |w| {
        w.spoiled(|signature| line(signature, 1, |bytes| bytes[1] = b'd'))
    }),
    case("another file's signature", "signature-wrong", |w| {
        w.verify(Some(&w.bytes()), &[w.key.sign(b"another file")])
    }),
    case("the component's signature", "signature-wrong", |w| {
        w.verify(Some(&w.bytes()), &[w.key.sign(COMPONENT)])
    }),
    case("another key", "signer-unknown", |w| {
        let bytes = w.bytes();
        w.verify(Some(&bytes), &[w.other.sign(&bytes)])
    }),
    case(
        "another key under a known key's id",
        "signature-wrong",
        |w| {
            let bytes = w.bytes();
            let known = STANDARD.decode(w.key.public.base64()).unwrap();
            let mut signature = w.other.sign(&bytes);
            line(&mut signature.bytes, 1, |bytes| {
                bytes[2..10].copy_from_slice(&known[2..10]);
            });
            w.verify(Some(&bytes), &[signature])
        },
    ),
    case(
        "a good signature beside a wrong one",
        "signature-wrong",
        |w| {
            let bytes = w.bytes();
            w.verify(Some(&bytes), &[w.key.sign(&bytes), w.key.sign(b"x")])
        },
    ),
    case(
        "a wrong signature under the policy dev",
        "signature-wrong",
        |mut w| {
            w.store.policy = Policy::Dev;
            w.mismatched(|statement| statement.push(b' '))
        },
    ),
    case(
        "an unknown key for a pinned component",
        "signer-unknown",
        |mut w| {
            w.store.policy = Policy::Pinned;
            w.store.pinned.insert(Digest::of(COMPONENT));
            let bytes = w.bytes();
            w.verify(Some(&bytes), &[w.other.sign(&bytes)])
        },
    ),
    case("nine signatures", "signatures-too-many", |w| {
        let bytes = w.bytes();
        w.verify(Some(&bytes), &vec![w.key.sign(&bytes); 9])
    }),
    case("a store without keys", "signer-unknown", |mut w| {
        w.store.credentials.clear();
        w.signed()
    }),
    case(
        "a key that is not yet in force",
        "signer-not-yet-valid",
        |mut w| {
            w.known().from = Timestamp::now() + hours(1);
            w.signed()
        },
    ),
    case("a key that expired", "signer-expired", |mut w| {
        w.known().until = Some(Timestamp::now() - hours(1));
        w.signed()
    }),
    case("a key that was rotated", "signer-expired", |mut w| {
        w.known().until = Some(Timestamp::now());
        w.known().successor = Some(2);
        w.signed()
    }),
    case("a revoked key", "signer-revoked", |mut w| {
        w.known().revoked = Some(CredentialRevoked {
            at: Timestamp::now(),
            reason: "stolen".into(),
        });
        w.signed()
    }),
    case(
        "a key on its signer's list",
        "signer-on-revocation-list",
        |mut w| {
            let key = w.key.public.fingerprint();
            w.list("vendor", false, |list| {
                list.keys.insert(key, "stolen".into());
            });
            w.signed()
        },
    ),
    case(
        "an identity on an authority's list",
        "signer-on-revocation-list",
        |mut w| {
            w.list("authority", true, |list| {
                list.identities.push(RevokedIdentity {
                    issuer: ISSUER.into(),
                    subject: SUBJECT.into(),
                    reason: "the build was taken over".into(),
                });
            });
            w.by_identity(&w.sigstore, ISSUER, SUBJECT)
        },
    ),
    case(
        "a component on its signer's list",
        "release-revoked",
        |mut w| {
            w.list("vendor", false, |list| {
                list.digests.insert(Digest::of(COMPONENT), "a hole".into());
            });
            w.signed()
        },
    ),
    case(
        "an unsigned one on an authority's list",
        "release-revoked",
        |mut w| {
            w.store.policy = Policy::Dev;
            w.list("authority", true, |list| {
                list.digests.insert(Digest::of(COMPONENT), "a hole".into());
            });
            w.verify(None, &[])
        },
    ),
    case(
        "another application's statement",
        "application-not-permitted",
        |mut w| {
            w.statement = statement_of(Digest::of(COMPONENT), "net.other.guard", "1.0.0");
            w.signed()
        },
    ),
    case(
        "an application of somebody else",
        "application-owned-by-another",
        |mut w| {
            let owner = signer("first");
            w.store.owners.insert(application(APPLICATION), owner);
            w.signed()
        },
    ),
    case(
        "nobody's component for somebody's application, under the policy dev",
        "release-unsigned-of-owned",
        |w| w.unsigned_for_owned(Policy::Dev),
    ),
    case(
        "a pinned component for somebody's application",
        "release-unsigned-of-owned",
        |w| w.unsigned_for_owned(Policy::Pinned),
    ),
    case(
        "another component's statement",
        "statement-of-another-component",
        |mut w| {
            w.statement = statement_of(Digest::of("another"), APPLICATION, "1.0.0");
            w.signed()
        },
    ),
    case(
        "a statement from tomorrow",
        "statement-not-yet-valid",
        |mut w| {
            w.statement.created = Timestamp::now() + hours(24);
            w.statement.expires = Timestamp::now() + hours(48);
            w.signed()
        },
    ),
    case("a statement that expired", "statement-expired", |mut w| {
        w.statement.created = Timestamp::now() - hours(48);
        w.statement.expires = Timestamp::now() - hours(24);
        w.signed()
    }),
    case(
        "a bundle without a trusted root",
        "sigstore-root-missing",
        |mut w| {
            w.store.root = None;
            w.by_identity(&w.sigstore, ISSUER, SUBJECT)
        },
    ),
    case("a bundle that is none", "signature-malformed", |w| {
        let bytes = w.bytes();
        let mut signature = w.sigstore.sign(ISSUER, SUBJECT, &bytes);
        signature.bytes.truncate(signature.bytes.len() / 2);
        w.verify(Some(&bytes), &[signature])
    }),
    case("an empty bundle", "signature-empty", |w| {
        let signature = SignatureFile {
            kind: SignatureKind::Sigstore,
            bytes: Vec::new(),
        };
        w.verify(Some(&w.bytes()), &[signature])
    }),
    case("a bundle over other bytes", "signature-wrong", |w| {
        let signature = w.sigstore.sign(ISSUER, SUBJECT, b"another file");
        w.verify(Some(&w.bytes()), &[signature])
    }),
    case("a bundle of another Sigstore", "sigstore-unverified", |w| {
        w.by_identity(&Sigstore::new(), ISSUER, SUBJECT)
    }),
    case("an identity that is not known", "signer-unknown", |w| {
        w.by_identity(&w.sigstore, ISSUER, "https://ci.example/evil")
    }),
    case("a known subject of another issuer", "signer-unknown", |w| {
        w.by_identity(&w.sigstore, "https://evil.example", SUBJECT)
    }),
    case(
        "an older statement than the one in use",
        "statement-replayed",
        |w| {
            refuse_replay(
                &w.statement,
                &[later("2.0.0", "newer")],
                Some(Digest::of("newer")),
            )
        },
    ),
    case(
        "an older statement of the same version",
        "statement-superseded",
        |w| refuse_replay(&w.statement, &[later("1.0.0", "rebuilt")], None),
    ),
    case(
        "another version than was signed",
        "statement-disagrees",
        |w| {
            let described = description(APPLICATION, "1.0.1");
            Ok(w.statement.agrees_with(&described)?)
        },
    ),
    case(
        "a capability that was not signed",
        "statement-disagrees",
        |w| {
            let mut described = description(APPLICATION, "1.0.0");
            described
                .capabilities
                .push(muster_domain::application::CapabilityRequest {
                    name: "files".into(),
                    reason: "to keep things".into(),
                });
            Ok(w.statement.agrees_with(&described)?)
        },
    ),
    case("a list from tomorrow", "revocations-ahead-of-now", |w| {
        w.list_signed(&w.key, |list| list.issued = Timestamp::now() + hours(24))
    }),
    case(
        "a list that was seen before",
        "revocations-not-newer",
        |mut w| {
            w.list("vendor", false, |list| list.number = 8);
            w.list_signed(&w.key, |_| ())
        },
    ),
    case("a list without a number", "revocations-unreadable", |w| {
        w.list_signed(&w.key, |list| list.number = 0)
    }),
    case("a statement as a list", "revocations-unreadable", |w| {
        let bytes = w.bytes();
        let signatures = [w.key.sign(&bytes)];
        let verified = w.store.verify_list(&bytes, &signatures, Timestamp::now());
        verified.map(|_| ())
    }),
    case("a list by a stranger", "signer-unknown", |w| {
        w.list_signed(&w.other, |_| ())
    }),
    case("a list that nobody signed", "signature-missing", |w| {
        let bytes = RevocationList::new(8, Timestamp::now()).to_bytes().unwrap();
        let verified = w.store.verify_list(&bytes, &[], Timestamp::now());
        verified.map(|_| ())
    }),
];

fn later(version: &str, component: &str) -> Accepted {
    Accepted {
        application: application(APPLICATION),
        version: version.parse().unwrap(),
        digest: Digest::of(component),
        created: Timestamp::now() + hours(1),
    }
}

#[test]
fn everything_that_is_wrong_is_refused_with_its_code() {
    let mut failed = Vec::new();
    for Case { what, code, run } in CASES {
        match run(World::new()) {
            Ok(()) => failed.push(format!("{what}: admitted, and {code} was due")),
            Err(refusal) if refusal.code() != *code => {
                failed.push(format!("{what}: {} for {code}: {refusal}", refusal.code()));
            }
            Err(refusal) => assert!(
                refusal.to_string().contains("; "),
                "{what}: no remedy in {refusal}"
            ),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let codes: BTreeSet<&str> = CASES.iter().map(|case| case.code).collect();
    assert!(codes.len() >= 24, "{} codes", codes.len());
}

/// What each case spoils is right at first, or the matrix would prove nothing.
#[test]
fn what_the_matrix_spoils_is_right_at_first() {
    let w = World::new();
    w.signed().unwrap();
    w.by_identity(&w.sigstore, ISSUER, SUBJECT).unwrap();
    w.list_signed(&w.key, |_| ()).unwrap();
    w.statement
        .agrees_with(&description(APPLICATION, "1.0.0"))
        .unwrap();
    refuse_replay(&w.statement, &[], None).unwrap();
}

/// What the refusal says would help can be done: a key that is known cannot be added once more.
#[test]
fn a_key_that_may_not_sign_for_an_application_is_to_be_added_again() {
    let mut world = World::new();
    world.statement = statement_of(Digest::of(COMPONENT), "net.other.guard", "1.0.0");
    let text = world.signed().unwrap_err().to_string();
    for told in ["muster trust key remove", "--application net.other.guard"] {
        assert!(text.contains(told), "{told} is not in {text}");
    }
}
