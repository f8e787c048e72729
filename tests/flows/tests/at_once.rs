//! Installs at the same time: each caller gets an answer that makes sense, one revision comes of one
//! component, one is at work, and no file lies about.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use muster_api::plugin::PluginView;
use muster_domain::Digest;
use muster_flows::{
    AIDE, CLAMAV, SECOND_VERSION, first_clamav, revisions, scan, second_clamav, tidy,
};
use muster_test_harness::{Client, TestSystem};
use reqwest::Method;
use std::collections::BTreeMap;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The names in the server's store of components.
fn store(system: &TestSystem) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(system.server.data().join("components"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

async fn count(client: &Client, kind: &str) -> Result<usize> {
    Ok(client.events(0, &format!("kind={kind}")).await?.len())
}

#[tokio::test]
async fn the_same_component_installed_eight_times_at_once_is_one_revision() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    let component = first_clamav(&system.programs)?;
    let release = client.release(&component, CLAMAV, VERSION).await?;
    let installs = (0..8).map(|_| client.plugin_upload(release.clone()));
    let answers = try_join_all(installs).await?;
    let digest = Digest::of(&component);
    let mut statuses = BTreeMap::new();
    for answer in answers {
        *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
        let view: PluginView = answer.ok()?;
        assert_eq!(
            (view.digest, view.state.as_str()),
            (digest.to_string(), "active")
        );
    }
    // One of them made it; to the others it was there already.
    assert_eq!(statuses, BTreeMap::from([(200, 7), (201, 1)]));
    let kept = revisions(client).await?;
    assert_eq!(kept, [(digest.to_string(), "active".to_owned())].into());
    for kind in ["plugin.installed", "plugin.activated", "trust.owner-set"] {
        assert_eq!(count(client, kind).await?, 1, "{kind}");
    }
    tidy(&system).await?;
    let files = store(&system)?;
    let [signed, wasm] = files.as_slice() else {
        anyhow::bail!("not two files: {files:?}");
    };
    assert_eq!(*wasm, format!("{}.wasm", digest.hex()));
    ensure!(signed.ends_with(".signed.tar"), "{signed}");
    let kept = std::fs::read(system.server.data().join("components").join(wasm))?;
    assert_eq!(Digest::of(&kept), digest);
    client.task_create(&scan("scan")).await?;
    Ok(())
}

#[tokio::test]
async fn of_two_for_one_application_one_is_at_work_and_the_other_waits_or_is_refused() -> Result<()>
{
    let system = TestSystem::start().await?;
    let client = &system.client;
    let vendor = client.vendor().await?;
    let now = Timestamp::now();
    let first = first_clamav(&system.programs)?;
    let second = second_clamav(&system.programs)?;
    let releases = [
        vendor.release_at(&first, CLAMAV, VERSION, now)?,
        vendor.release_at(&second, CLAMAV, SECOND_VERSION, now)?,
    ];
    for round in 0..4 {
        let query = ["", "auto=true"].into_iter().cycle().nth(round);
        let query = query.unwrap_or_default();
        let installs = releases
            .iter()
            .map(|release| client.plugin_upload_with(release.clone(), query));
        let answers = try_join_all(installs).await?;
        let mut refused = 0;
        for answer in &answers {
            match answer.status.as_u16() {
                201 => assert_eq!(answer.ok::<PluginView>()?.state, "active"),
                202 => {
                    let waits: PluginView = answer.ok()?;
                    assert_eq!(waits.state, "ready");
                    let plan = waits.plan.context("it waits without a plan")?;
                    ensure!(plan.from.is_some(), "nothing was at work: {plan:?}");
                }
                _ => {
                    assert_eq!(answer.problem(409)?.code(), "plugin-downgrade");
                    refused += 1;
                }
            }
        }
        let statuses: Vec<u16> = answers
            .iter()
            .map(|answer| answer.status.as_u16())
            .collect();
        let kept = revisions(client).await?;
        let of = |state: &str| kept.values().filter(|kept| *kept == state).count();
        let told = format!("round {round}: {statuses:?}, {kept:?}");
        assert_eq!(of("active"), 1, "{told}");
        // With `auto`, a clean plan is somebody's word: there is no task that would change.
        let others = of("ready") + of("superseded");
        assert_eq!(others + refused, 1, "{told}");
        assert_eq!(
            of("superseded"),
            usize::from(query == "auto=true" && refused == 0),
            "{told}"
        );
        let active: PluginView = client.get(&format!("/plugins/{CLAMAV}")).await?;
        assert_eq!(kept.get(&active.digest).map(String::as_str), Some("active"));
        tidy(&system).await?;
        let remove = client.request(Method::DELETE, &format!("/plugins/{CLAMAV}"));
        client.send(remove).await?.ok::<serde_json::Value>()?;
        tidy(&system).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_install_goes_on_when_nobody_waits_for_its_answer_any_more() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = system.client.clone();
    let component = first_clamav(&system.programs)?;
    let release = client.release(&component, CLAMAV, VERSION).await?;
    let asking = tokio::spawn({
        let client = client.clone();
        async move { client.plugin_upload(release).await }
    });
    // It is compiled from then on, which takes its time.
    client.event(0, "plugin.verified").await?;
    asking.abort();
    client.event(0, "plugin.activated").await?;
    tidy(&system).await?;
    client.task_create(&scan("scan")).await?;
    Ok(())
}

#[tokio::test]
async fn installs_for_several_applications_do_not_disturb_each_other() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    let clamav = first_clamav(&system.programs)?;
    let aide = std::fs::read(system.programs.plugin("aide")?)?;
    let releases = [
        client.release(&clamav, CLAMAV, VERSION).await?,
        client.release(&aide, AIDE, VERSION).await?,
        // Nobody signed these.
        clamav.clone(),
        b"no component".to_vec(),
    ];
    let installs = releases.iter().cycle().take(8);
    let installs = installs.map(|release| client.plugin_upload(release.clone()));
    let answers = try_join_all(installs).await?;
    for (number, answer) in answers.iter().enumerate() {
        if number % 4 < 2 {
            assert_eq!(answer.ok::<PluginView>()?.state, "active");
        } else {
            assert_eq!(answer.problem(422)?.code(), "release-unsigned");
        }
    }
    let kept = revisions(client).await?;
    let expected =
        [&clamav, &aide].map(|bytes| (Digest::of(bytes).to_string(), "active".to_owned()));
    assert_eq!(kept, expected.into());
    tidy(&system).await?;
    assert_eq!(store(&system)?.len(), 4);
    Ok(())
}
