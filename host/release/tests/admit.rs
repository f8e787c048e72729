//! What the trust store admits, on what ground, and what it revokes afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by it"
)]

mod support;

use jiff::Timestamp;
use muster_domain::Digest;
use muster_release::bundle::SignatureFile;
use muster_release::revocation::RevocationList;
use muster_release::signature::sigstore::{Identity, TrustedRoot};
use muster_release::trust::{
    Admission, HeldList, Means, Policy, Release, TrustStore, Verified, With,
};
use support::sigstore::Sigstore;
use support::{
    APPLICATION, COMPONENT, Key, application, credential, hours, signer, statement, store,
};

fn verify(store: &TrustStore, statement: &[u8], signatures: &[SignatureFile]) -> Verified {
    let release = Release {
        digest: Digest::of(COMPONENT),
        statement: Some(statement),
        signatures,
    };
    store.verify(&release, Timestamp::now()).unwrap()
}

#[test]
fn a_release_that_a_trusted_key_signed_is_admitted() {
    let key = Key::new();
    let store = store(vec![key.credential("vendor", 1)]);
    let bytes = statement().to_bytes().unwrap();
    let verified = verify(&store, &bytes, &[key.sign(&bytes)]);
    assert_eq!(verified.admission, Admission::Signed);
    assert_eq!(verified.signers[0].signer, signer("vendor"));
    assert_eq!(
        verified.signers[0].with,
        With::Key(key.public.fingerprint())
    );
    assert_eq!(verified.statement, Some(statement_read(&bytes)));
}

fn statement_read(bytes: &[u8]) -> muster_release::statement::Statement {
    muster_release::statement::Statement::parse(bytes).unwrap()
}

#[test]
fn a_release_that_a_trusted_identity_signed_is_admitted() {
    let (issuer, subject) = (
        "https://ci.example",
        "https://ci.example/guard/build@refs/tags/v1",
    );
    let sigstore = Sigstore::new();
    let mut store = store(vec![credential(
        Means::Identity(Identity {
            issuer: issuer.into(),
            subject: "https://ci.example/guard/build@refs/tags/*".into(),
        }),
        "vendor",
        1,
    )]);
    store.root = Some(TrustedRoot::parse(&sigstore.root()).unwrap());
    let bytes = statement().to_bytes().unwrap();
    let verified = verify(&store, &bytes, &[sigstore.sign(issuer, subject, &bytes)]);
    let With::Identity(identity) = &verified.signers[0].with else {
        panic!("{verified:?}");
    };
    assert_eq!(identity.subject, subject);
}

/// A bundle of the public Sigstore, with certificates and log entries of its real authorities. It
/// signs a file that is no statement, so it is held against the root alone.
#[test]
fn a_bundle_of_the_public_sigstore_holds_against_its_root() {
    let root = TrustedRoot::parse(sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT);
    let root = root.unwrap();
    let bundle = include_bytes!("data/cosign-v3-blob.sigstore.json");
    let blob = include_bytes!("data/cosign-v3-blob.txt");
    let identity = root.verify(blob, bundle).unwrap();
    assert_eq!(identity.issuer, "https://github.com/login/oauth");
    assert!(root.verify(b"something else", bundle).is_err());
}

#[test]
fn a_second_signature_by_somebody_unknown_does_no_harm() {
    let (key, other) = (Key::new(), Key::new());
    let store = store(vec![key.credential("vendor", 1)]);
    let bytes = statement().to_bytes().unwrap();
    let verified = verify(&store, &bytes, &[other.sign(&bytes), key.sign(&bytes)]);
    assert_eq!(verified.signers.len(), 1);
}

#[test]
fn while_a_key_is_rotated_the_old_one_or_the_new_one_will_do() {
    let (old, new) = (Key::new(), Key::new());
    let mut ended = old.credential("vendor", 1);
    ended.until = Some(Timestamp::now() - hours(1));
    ended.successor = Some(2);
    let store = store(vec![ended, new.credential("vendor", 2)]);
    let bytes = statement().to_bytes().unwrap();
    let verified = verify(&store, &bytes, &[old.sign(&bytes), new.sign(&bytes)]);
    assert_eq!(
        verified.signers[0].with,
        With::Key(new.public.fingerprint())
    );
}

#[test]
fn what_nobody_signed_is_admitted_where_an_administrator_said_so() {
    let digest = Digest::of(COMPONENT);
    let release = Release {
        digest,
        statement: None,
        signatures: &[],
    };
    let mut store = TrustStore {
        policy: Policy::Pinned,
        ..TrustStore::default()
    };
    store.pinned.insert(digest);
    let now = Timestamp::now();
    let verified = store.verify(&release, now).unwrap();
    assert_eq!(verified.admission, Admission::Pinned);
    store.policy = Policy::Dev;
    store.pinned.clear();
    let verified = store.verify(&release, now).unwrap();
    assert_eq!(verified.admission, Admission::Unsigned);
}

#[test]
fn what_was_admitted_is_revoked_by_its_digest_or_with_all_who_signed_it() {
    let (key, other) = (Key::new(), Key::new());
    let mut store = store(vec![
        key.credential("vendor", 1),
        other.credential("house", 2),
    ]);
    let bytes = statement().to_bytes().unwrap();
    let verified = verify(&store, &bytes, &[key.sign(&bytes), other.sign(&bytes)]);
    let application = application(APPLICATION);
    let revoked = |store: &TrustStore| {
        let refusal = store.revoked(verified.digest, &application, &verified.signers);
        refusal.map(|refusal| refusal.code())
    };
    assert_eq!(revoked(&store), None);

    let mut list = RevocationList::new(1, Timestamp::now());
    list.keys.insert(key.public.fingerprint(), "stolen".into());
    let held = |list: &RevocationList, name: &str, authority| HeldList {
        signer: signer(name),
        authority,
        list: list.clone(),
    };
    // Somebody else's word about a vendor's key counts only from an authority.
    store.revocations = vec![held(&list, "stranger", false)];
    assert_eq!(revoked(&store), None);
    store.revocations = vec![held(&list, "vendor", false)];
    assert_eq!(revoked(&store), None, "the house signed it as well");
    list.keys
        .insert(other.public.fingerprint(), "stolen".into());
    store.revocations = vec![held(&list, "stranger", true)];
    assert_eq!(revoked(&store), Some("signer-on-revocation-list"));

    let mut list = RevocationList::new(1, Timestamp::now());
    list.digests
        .insert(verified.digest, "deletes too much".into());
    store.revocations = vec![held(&list, "stranger", false)];
    assert_eq!(revoked(&store), None);
    store.revocations = vec![held(&list, "house", false)];
    assert_eq!(revoked(&store), Some("release-revoked"));
}

#[test]
fn what_runs_goes_on_when_a_key_expires_or_is_taken_from_the_store() {
    let key = Key::new();
    let mut store = store(vec![key.credential("vendor", 1)]);
    let bytes = statement().to_bytes().unwrap();
    let verified = verify(&store, &bytes, &[key.sign(&bytes)]);
    let application = application(APPLICATION);
    store.credentials[0].until = Some(Timestamp::now() - hours(1));
    assert!(
        store
            .revoked(verified.digest, &application, &verified.signers)
            .is_none()
    );
    store.credentials.clear();
    assert!(
        store
            .revoked(verified.digest, &application, &verified.signers)
            .is_none()
    );
}

#[test]
fn a_newer_revocation_list_of_a_signer_in_force_is_taken() {
    let key = Key::new();
    let store = store(vec![key.credential("vendor", 1)]);
    let mut list = RevocationList::new(3, Timestamp::now());
    list.digests
        .insert(Digest::of(COMPONENT), "a hole in it".into());
    let bytes = list.to_bytes().unwrap();
    let held = store
        .verify_list(&bytes, &[key.sign(&bytes)], Timestamp::now())
        .unwrap();
    assert_eq!(held.signer, signer("vendor"));
    assert_eq!(held.list, list);
    assert!(!held.authority);
}
