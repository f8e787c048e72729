//! Where plug-ins come from: a registry, which the server asks itself, and a bundle, where no network
//! goes. What does not come whole leaves nothing behind.
//!
//! What a registry may answer that means no good is tried in `host/release/tests`.

use anyhow::{Context as _, Result, ensure};
use muster_api::plugin::PluginView;
use muster_domain::Digest;
use muster_flows::{
    Between, CLAMAV, SECOND_VERSION, Then, first_clamav, revisions, scan, second_clamav, tidy,
};
use muster_release::bundle::{self, Bundle};
use muster_release::registry::{Config, Credentials, Layout, Pushed, Registry};
use muster_test_harness::{Answer, TestSystem, folder, needs};
use reqwest::Method;
use serde_json::json;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TIME: Duration = Duration::from_mins(5);
const MOST: usize = 16 << 20;

/// What a vendor talks to a registry with.
fn vendor(registry: &muster_test_harness::Registry) -> Registry {
    Registry::new(Config {
        credentials: Credentials::one(registry.address(), registry.user(), registry.password()),
        ca: None,
        plain: Vec::new(),
        component_most: MOST,
        time: TIME,
    })
}

async fn push(
    registry: &muster_test_harness::Registry,
    tag: &str,
    release: &[u8],
    layout: Layout,
) -> Result<Pushed> {
    let reference = format!("oci://{}/vendor/clamav:{tag}", registry.address());
    let release = Bundle::read(release, MOST)?;
    Ok(vendor(registry)
        .push(&reference.parse()?, &release, layout)
        .await?)
}

/// The release of ClamAV's plug-in, signed by whom the server trusts.
async fn first(system: &TestSystem) -> Result<Vec<u8>> {
    let component = first_clamav(&system.programs)?;
    system.client.release(&component, CLAMAV, VERSION).await
}

async fn upload(system: &TestSystem, media_type: &str, body: Vec<u8>) -> Result<Answer> {
    let request = system.client.request(Method::POST, "/plugins");
    let request = request.header("content-type", media_type);
    system.client.send(request.body(body).timeout(TIME)).await
}

/// Has the server fetch and install.
async fn from(system: &TestSystem, source: &str) -> Result<Answer> {
    let body = json!({ "source": source }).to_string();
    upload(system, "application/json", body.into_bytes()).await
}

/// Has the server fetch what it will not get.
async fn refused(system: &TestSystem, source: &str, status: u16) -> Result<String> {
    let answer = from(system, source).await?;
    let problem = answer.problem(status).with_context(|| source.to_owned())?;
    nothing_is_kept(system).await?;
    Ok(problem.code().to_owned())
}

async fn nothing_is_kept(system: &TestSystem) -> Result<()> {
    let kept = revisions(&system.client).await?;
    ensure!(kept.is_empty(), "{kept:?}");
    tidy(system).await
}

fn private(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text)?;
    std::fs::set_permissions(file, Permissions::from_mode(0o600))?;
    Ok(())
}

#[tokio::test]
async fn a_plug_in_comes_by_tag_by_digest_and_by_a_tag_with_its_digest() -> Result<()> {
    let Some(program) = needs("docker-registry") else {
        return Ok(());
    };
    let registry = muster_test_harness::Registry::open(&program).await?;
    let system = TestSystem::start().await?;
    let release = first(&system).await?;
    let pushed = push(&registry, "stable", &release, Layout::Wasm).await?;
    let name = format!("oci://{}/vendor/clamav", registry.address());
    let digest = pushed.pinned.digest().context("it is pinned")?;

    let other = Digest::of(b"another manifest");
    for unknown in [
        format!("{name}:stable@{other}"),
        format!("{name}@{other}"),
        format!("{name}:9"),
    ] {
        let code = refused(&system, &unknown, 422).await?;
        assert_eq!(code, "registry-not-found", "{unknown}");
    }
    let installed: PluginView = from(&system, &format!("{name}:stable")).await?.ok()?;
    let component = Digest::of(first_clamav(&system.programs)?).to_string();
    assert_eq!(
        (installed.digest.as_str(), installed.state.as_str()),
        (component.as_str(), "active")
    );
    assert_eq!(installed.source, Some(pushed.pinned.to_string()));
    assert_eq!(installed.trust.context("no ground")?.ground, "signed");
    let told = system.client.events(0, "kind=plugin.fetched").await?;
    let [told] = told.as_slice() else {
        anyhow::bail!("not one event: {told:?}");
    };
    assert_eq!(
        told.fields.get("source"),
        Some(&json!(pushed.pinned.to_string()))
    );
    for same in [
        format!("{name}@{digest}"),
        format!("{name}:stable@{digest}"),
    ] {
        let answer = from(&system, &same).await?;
        assert_eq!(answer.status.as_u16(), 200, "{same}");
        let again: PluginView = answer.ok()?;
        assert_eq!(again.digest, component);
    }

    // The tag moves on; the digest stays what it was.
    let second = second_clamav(&system.programs)?;
    let second = system.client.release(&second, CLAMAV, SECOND_VERSION);
    push(&registry, "stable", &second.await?, Layout::Image).await?;
    let pinned = from(&system, &format!("{name}:stable@{digest}")).await?;
    assert_eq!(pinned.status.as_u16(), 200);
    let waits = from(&system, &format!("{name}:stable")).await?;
    assert_eq!(waits.status.as_u16(), 202);
    let waits: PluginView = waits.ok()?;
    assert_eq!(
        (waits.version.as_str(), waits.state.as_str()),
        (SECOND_VERSION, "ready")
    );
    tidy(&system).await?;
    assert_eq!(revisions(&system.client).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_guarded_registry_gives_to_the_server_that_it_knows() -> Result<()> {
    let Some(program) = needs("docker-registry") else {
        return Ok(());
    };
    let registry = muster_test_harness::Registry::guarded(&program).await?;
    let folder = folder()?;
    let credentials = folder.path().join("auth.json");
    let auths = |basic: &str| json!({ "auths": { registry.address(): { "auth": basic } } });
    let path = credentials.to_str().context("a path in UTF-8")?;
    let system = TestSystem::start_with(&[("MUSTER_SERVER_REGISTRIES_CREDENTIALS", path)]).await?;
    let release = first(&system).await?;
    let pushed = push(&registry, "1", &release, Layout::Automatic).await?;
    let source = pushed.pinned.to_string();

    // `muster` and a password that is not its.
    for auths in [json!({}), auths("bXVzdGVyOndyb25n")] {
        private(&credentials, &auths.to_string())?;
        let code = refused(&system, &source, 502).await?;
        assert_eq!(code, "registry-credentials", "{auths}");
    }
    private(&credentials, &auths(registry.basic()).to_string())?;
    // A password that others may read is not used.
    std::fs::set_permissions(&credentials, Permissions::from_mode(0o644))?;
    refused(&system, &source, 500).await?;
    std::fs::set_permissions(&credentials, Permissions::from_mode(0o600))?;
    let installed: PluginView = from(&system, &source).await?.ok()?;
    assert_eq!(installed.source, Some(source));
    let events = system.client.events(0, "").await?;
    let told = format!("{events:?}{}", system.server.said());
    ensure!(
        !told.contains(registry.basic()) && !told.contains(registry.password()),
        "the password is told"
    );
    Ok(())
}

#[tokio::test]
async fn a_registry_that_goes_away_in_the_middle_leaves_nothing() -> Result<()> {
    let Some(program) = needs("docker-registry") else {
        return Ok(());
    };
    let registry = muster_test_harness::Registry::open(&program).await?;
    let time = [("MUSTER_SERVER_REGISTRIES_TIME", "5")];
    let system = TestSystem::start_with(&time).await?;
    let release = first(&system).await?;
    let pushed = push(&registry, "1", &release, Layout::Wasm).await?;
    let direct = pushed.pinned.to_string();
    // Before the manifest is whole, and while the component comes.
    for bytes in [100, 100_000] {
        let gone = Between::start(registry.address(), bytes, Then::Gone).await?;
        let source = direct.replace(registry.address(), gone.address());
        for _ in 0..2 {
            let code = refused(&system, &source, 502).await?;
            assert_eq!(code, "registry-unreachable", "{bytes} bytes");
        }
    }
    let silent = Between::start(registry.address(), 100_000, Then::Silent).await?;
    let source = direct.replace(registry.address(), silent.address());
    assert_eq!(refused(&system, &source, 504).await?, "registry-late");

    // What lies in the registry is not what it was.
    let component = registry.blob(&Digest::of(first_clamav(&system.programs)?).to_string());
    let bytes = std::fs::read(&component)?;
    let mut changed = bytes.clone();
    *changed.last_mut().context("it has bytes")? ^= 1;
    std::fs::write(&component, changed)?;
    assert_eq!(refused(&system, &direct, 422).await?, "registry-digest");
    std::fs::write(&component, bytes)?;
    from(&system, &direct).await?.ok::<PluginView>()?;
    tidy(&system).await
}

#[tokio::test]
async fn a_server_that_is_killed_while_it_fetches_has_nothing_and_fetches_again() -> Result<()> {
    let Some(program) = needs("docker-registry") else {
        return Ok(());
    };
    let registry = muster_test_harness::Registry::open(&program).await?;
    let mut system = TestSystem::start().await?;
    let release = first(&system).await?;
    let pushed = push(&registry, "1", &release, Layout::Wasm).await?;
    let direct = pushed.pinned.to_string();
    let mut silent = Between::start(registry.address(), 100_000, Then::Silent).await?;
    let source = direct.replace(registry.address(), silent.address());
    let body = json!({ "source": source });
    let request = system.client.request(Method::POST, "/plugins").json(&body);
    let client = system.client.clone();
    let asked = tokio::spawn(async move { client.send(request).await });
    silent.ended().await?;
    system.server.kill9()?;
    ensure!(asked.await?.is_err(), "it was answered");
    system.server.restart(&[]).await?;
    nothing_is_kept(&system).await?;
    from(&system, &direct).await?.ok::<PluginView>()?;
    system.client.task_create(&scan("scan")).await?;
    tidy(&system).await
}

#[tokio::test]
async fn a_component_that_is_larger_than_allowed_is_not_fetched() -> Result<()> {
    let Some(program) = needs("docker-registry") else {
        return Ok(());
    };
    let registry = muster_test_harness::Registry::open(&program).await?;
    let small = [("MUSTER_SERVER_PLUG_INS_COMPONENT_SIZE", "1")];
    let system = TestSystem::start_with(&small).await?;
    let mut large = first_clamav(&system.programs)?;
    // A section for nobody, with an empty name: its kind, its length in four bytes of LEB128, and
    // zeros.
    large.extend([0, 0x80, 0x80, 0x80, 0x02]);
    large.extend(vec![0; 4 << 20]);
    let release = system.client.release(&large, CLAMAV, VERSION).await?;
    for layout in [Layout::Wasm, Layout::Image] {
        let pushed = push(&registry, "large", &release, layout).await?;
        let code = refused(&system, &pushed.pinned.to_string(), 422).await?;
        assert_eq!(code, "registry-too-large", "{layout:?}");
    }
    push(&registry, "small", &first(&system).await?, Layout::Wasm).await?;
    let source = format!("oci://{}/vendor/clamav:small", registry.address());
    from(&system, &source).await?.ok::<PluginView>()?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_source_is_refused_with_its_code() -> Result<()> {
    let system = TestSystem::start().await?;
    let whole = first(&system).await?;
    let cut = whole.get(..whole.len() / 2).context("half of it")?;
    let longer = [&whole, &[0; 512][..]].concat();
    for (bytes, code) in [(cut, "bundle-damaged"), (&longer, "bundle-not-canonical")] {
        let answer = upload(&system, bundle::MEDIA_TYPE, bytes.to_vec()).await?;
        assert_eq!(answer.problem(422)?.code(), code);
    }
    let host = "registry.example/clamav";
    for source in [
        "clamav.wasm".to_owned(),
        format!("oci://{host}"),
        format!("oci://user:secret@{host}:1"),
        format!("https://{host}:1"),
    ] {
        let code = refused(&system, &source, 422).await?;
        assert_eq!(code, "registry-reference", "{source}");
    }
    let code = refused(&system, "oci://127.0.0.1:1/clamav:1", 502).await?;
    assert_eq!(code, "registry-unreachable");
    upload(&system, "text/plain", Vec::new())
        .await?
        .problem(415)?;
    nothing_is_kept(&system).await
}

#[tokio::test]
async fn a_bundle_is_carried_where_no_network_goes() -> Result<()> {
    let Some(program) = needs("docker-registry") else {
        return Ok(());
    };
    let registry = muster_test_harness::Registry::open(&program).await?;
    let system = TestSystem::start().await?;
    let release = first(&system).await?;
    let pushed = push(&registry, "1.2.0", &release, Layout::Automatic).await?;
    let source = pushed.pinned.to_string();
    system
        .muster(&["plugin", "pull", &source, "--out", "clamav.tar"])
        .await?
        .ok()?;
    drop(registry);
    let key = system.client.vendor().await?.public_key().to_owned();
    std::fs::write(system.folder().join("vendor.pub"), key)?;
    let verify = [
        "plugin",
        "verify",
        "clamav.tar",
        "--public-key",
        "vendor.pub",
    ];
    let verified = system.muster(&verify).await?.ok()?;
    ensure!(verified.out.contains(CLAMAV), "{verified:?}");
    let installed = system.muster(&["plugin", "install", "clamav.tar"]).await?;
    let installed = installed.ok()?;
    ensure!(installed.out.contains("Installed"), "{installed:?}");
    system.client.task_create(&scan("scan")).await?;
    tidy(&system).await
}
