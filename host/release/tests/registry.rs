//! Push and pull against a real registry, on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use muster_release::bundle::{Bundle, SignatureFile, SignatureKind, TrustReference};
use muster_release::registry::{
    Config, Credentials, Layout, Pulled, Reference, Registry, RegistryError,
};
use muster_test_harness::needs;
use std::time::Duration;

const MOST: usize = 1024 * 1024;

fn config(credentials: Credentials) -> Config {
    Config {
        credentials,
        ca: None,
        plain: Vec::new(),
        component_most: MOST,
        time: Duration::from_mins(1),
    }
}

fn client(credentials: Credentials) -> Registry {
    Registry::new(config(credentials))
}

fn release() -> Bundle {
    let signature = |kind, text: &str| SignatureFile {
        kind,
        bytes: text.into(),
    };
    Bundle {
        component: wat::parse_str("(component)").unwrap(),
        statement: Some(b"{\"what\": \"a signer states\"}".to_vec()),
        signatures: vec![
            signature(SignatureKind::Sigstore, "{}"),
            signature(SignatureKind::Minisign, "untrusted comment: x\n"),
        ],
        reference: TrustReference {
            signers: vec!["minisign 0123456789ABCDEF".to_owned()],
            published: None,
        },
    }
}

fn reference(registry: &muster_test_harness::Registry, rest: &str) -> Reference {
    format!("oci://{}/{rest}", registry.address())
        .parse()
        .unwrap()
}

async fn refused(client: &Registry, reference: &Reference) -> (&'static str, String) {
    let error = client.pull(reference).await.expect_err("it is pulled");
    (error.code(), error.to_string())
}

#[tokio::test]
async fn a_release_comes_back_by_tag_and_by_digest() {
    let Some(program) = needs("docker-registry") else {
        return;
    };
    let registry = muster_test_harness::Registry::open(&program).await.unwrap();
    let client = client(Credentials::default());
    let mut unsigned = release();
    unsigned.signatures.clear();
    for (bundle, layout) in [
        (release(), Layout::Wasm),
        (release(), Layout::Image),
        (release(), Layout::Automatic),
        (Bundle::bare(release().component), Layout::Wasm),
        (unsigned, Layout::Image),
    ] {
        let tagged = reference(&registry, "vendor/plug-in:1.2.0");
        let pushed = client.push(&tagged, &bundle, layout).await.unwrap();
        let again = client.push(&tagged, &bundle, layout).await.unwrap();
        assert_eq!(
            pushed.pinned, again.pinned,
            "the same release is the same artifact"
        );

        let Pulled {
            bundle: by_tag,
            pinned,
        } = client.pull(&tagged).await.unwrap();
        assert_eq!(pinned, pushed.pinned);
        assert_eq!(by_tag, bundle);
        assert_eq!(client.pull(&pinned).await.unwrap().bundle, bundle);
    }
    for unknown in ["vendor/plug-in:9.9.9", "vendor/another:1.2.0"] {
        let unknown = reference(&registry, unknown);
        assert_eq!(refused(&client, &unknown).await.0, "registry-not-found");
    }
}

#[tokio::test]
async fn a_tag_that_moved_is_told_by_its_digest() {
    let Some(program) = needs("docker-registry") else {
        return;
    };
    let registry = muster_test_harness::Registry::open(&program).await.unwrap();
    let client = client(Credentials::default());
    let tagged = reference(&registry, "plug-in:stable");
    let first = client
        .push(&tagged, &release(), Layout::Wasm)
        .await
        .unwrap();
    let other = Bundle::bare(wat::parse_str("(component (component))").unwrap());
    let second = client.push(&tagged, &other, Layout::Wasm).await.unwrap();
    assert_ne!(first.pinned, second.pinned);
    assert_eq!(client.pull(&tagged).await.unwrap().bundle, other);
    assert_eq!(client.pull(&first.pinned).await.unwrap().bundle, release());

    let error = client
        .push(&first.pinned, &other, Layout::Wasm)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "registry-digest");
}

#[tokio::test]
async fn a_guarded_registry_serves_those_it_knows() {
    let Some(program) = needs("docker-registry") else {
        return;
    };
    let registry = muster_test_harness::Registry::guarded(&program)
        .await
        .unwrap();
    let tagged = reference(&registry, "plug-in:1");
    let known = Credentials::one(registry.address(), registry.user(), registry.password());
    let known = client(known);
    let pushed = known.push(&tagged, &release(), Layout::Wasm).await.unwrap();
    assert_eq!(known.pull(&pushed.pinned).await.unwrap().bundle, release());

    for credentials in [
        Credentials::default(),
        Credentials::one(registry.address(), registry.user(), "wrong"),
        Credentials::one("other.example", registry.user(), registry.password()),
    ] {
        let client = client(credentials);
        let (code, text) = refused(&client, &tagged).await;
        assert_eq!(code, "registry-credentials", "{text}");
        assert!(
            !text.contains("wrong") && text.contains("credentials"),
            "{text}"
        );
        let error = client
            .push(&tagged, &release(), Layout::Wasm)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "registry-credentials");
    }
}

#[tokio::test]
async fn what_was_changed_in_the_registry_is_refused() {
    let Some(program) = needs("docker-registry") else {
        return;
    };
    let registry = muster_test_harness::Registry::open(&program).await.unwrap();
    let client = client(Credentials::default());
    let tagged = reference(&registry, "plug-in:1");
    let pushed = client
        .push(&tagged, &release(), Layout::Wasm)
        .await
        .unwrap();

    let component = registry.blob(&release().digest().to_string());
    let mut bytes = std::fs::read(&component).unwrap();
    bytes[4] ^= 1;
    std::fs::write(&component, bytes).unwrap();
    let (code, text) = refused(&client, &pushed.pinned).await;
    assert_eq!(code, "registry-digest", "{text}");
    assert!(text.contains(&release().digest().to_string()), "{text}");
}

#[tokio::test]
async fn a_component_that_is_too_large_is_not_read() {
    let Some(program) = needs("docker-registry") else {
        return;
    };
    let registry = muster_test_harness::Registry::open(&program).await.unwrap();
    let tagged = reference(&registry, "plug-in:1");
    let small = Registry::new(Config {
        component_most: release().component.len() - 1,
        ..config(Credentials::default())
    });
    for layout in [Layout::Wasm, Layout::Image] {
        let all = client(Credentials::default());
        all.push(&tagged, &release(), layout).await.unwrap();
        let error = small.pull(&tagged).await.unwrap_err();
        assert!(error.code().ends_with("too-large"), "{error}");
    }
}

#[tokio::test]
async fn a_ca_that_was_given_is_the_only_one() {
    let Some(program) = needs("docker-registry") else {
        return;
    };
    let registry = muster_test_harness::Registry::open(&program).await.unwrap();
    let tagged = reference(&registry, "plug-in:1");
    let ca = rcgen::generate_simple_self_signed(["registry.example".to_owned()]).unwrap();
    let with = |ca: &str, plain: &[String]| {
        Registry::new(Config {
            ca: Some(ca.to_owned()),
            plain: plain.to_vec(),
            ..config(Credentials::default())
        })
    };
    // With a CA, a registry on this machine is asked by TLS too, and this one has none.
    let strict = with(&ca.cert.pem(), &[]);
    assert_eq!(refused(&strict, &tagged).await.0, "registry-unreachable");
    let told = with(&ca.cert.pem(), &[registry.address().to_owned()]);
    assert_eq!(refused(&told, &tagged).await.0, "registry-not-found");
    for none in ["", "no certificate"] {
        let error = with(none, &[]).pull(&tagged).await.unwrap_err();
        assert!(matches!(error, RegistryError::Certificates), "{error}");
    }
}
