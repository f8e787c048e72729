//! Server and agent are killed wherever a secret passes: none is lost, and none is left behind.

use anyhow::{Context as _, Result, ensure};
use muster_domain::delivery::DeliveryState;
use muster_flows::{CRASH_AT, Sealed, Teller, killed};
use muster_test_harness::Programs;
use serde_json::{Value, json};
use std::process::{Command, Output};

#[tokio::test]
async fn a_secret_that_was_not_committed_is_not_there() -> Result<()> {
    let mut sealed = Sealed::start().await?;
    let crash = [(CRASH_AT, "secret.before-commit")];
    sealed.system.server.restart(&crash).await?;
    ensure!(sealed.fill().await.is_err());
    killed(sealed.system.server.ended().await?)?;
    sealed.nowhere_in_files()?;
    sealed.system.server.restart(&[]).await?;
    let listed = sealed
        .system
        .muster(&["secret", "list", "-o", "json"])
        .await?;
    assert_eq!(listed.ok()?.json::<Value>()?, json!([]));
    sealed.fill().await?;
    sealed.nowhere_in_files()
}

#[tokio::test]
async fn a_device_that_got_no_answer_asks_again() -> Result<()> {
    let mut sealed = Sealed::start().await?;
    sealed.fill().await?;
    let crash = [(CRASH_AT, "secret.given-before-commit")];
    sealed.system.server.restart(&crash).await?;
    let device = Teller::start(&sealed, "pc-1").await?;
    sealed.task_created("sweep").await?;
    let run = sealed.system.client.task_start(1).await?.id;
    killed(sealed.system.server.ended().await?)?;
    sealed.nowhere_in_files()?;
    ensure!(device.ended() == 0, "it began without its secrets");
    sealed.system.server.restart(&[]).await?;
    done_once(&sealed, &device, run).await
}

#[tokio::test]
async fn an_agent_that_had_its_secrets_asks_again() -> Result<()> {
    let sealed = Sealed::start().await?;
    sealed.fill().await?;
    let mut device = Teller::enroll(&sealed, "pc-1").await?;
    device.agent.start(&[(CRASH_AT, "agent.secrets-taken")])?;
    sealed.system.client.device_online("pc-1").await?;
    sealed.task_created("sweep").await?;
    let run = sealed.system.client.task_start(1).await?.id;
    killed(device.agent.ended().await?)?;
    sealed.nowhere_in_files()?;
    device.agent.start(&[])?;
    done_once(&sealed, &device, run).await?;
    let given = sealed.system.client.events(0, "kind=secret.given").await?;
    assert_eq!(given.len(), 2);
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_killed_while_the_program_has_them_leaves_nothing() -> Result<()> {
    let sealed = Sealed::start().await?;
    sealed.fill().await?;
    let mut device = Teller::start(&sealed, "pc-1").await?;
    sealed.task_created("sweep").await?;
    device.hold()?;
    let run = sealed.system.client.task_start(1).await?.id;
    device.begun().await?;
    device.agent.kill9()?;
    sealed.nowhere_in_files()?;
    device.go_on()?;
    device.agent.start(&[])?;
    sealed.system.client.run_finished(run).await?;
    sealed.nowhere_in_files()
}

async fn done_once(sealed: &Sealed, device: &Teller, run: i64) -> Result<()> {
    sealed.system.client.run_finished(run).await?;
    let client = &sealed.system.client;
    client.delivery_in(run, DeliveryState::Succeeded).await?;
    device.got(sealed, 1)?;
    sealed.nowhere_in_files()
}

fn rotate(sealed: &Sealed, crash: Option<&str>) -> Result<Output> {
    let mut command = Command::new(Programs::find()?.server);
    command
        .arg("--data")
        .arg(sealed.system.server.data())
        .arg("--rotate-vault-key")
        .envs(crash.map(|place| (CRASH_AT, place)));
    command.output().context("cannot start the server")
}

#[tokio::test]
async fn an_exchange_of_the_key_loses_nothing_wherever_it_is_cut_off() -> Result<()> {
    let mut sealed = Sealed::start().await?;
    sealed.fill().await?;
    let device = Teller::start(&sealed, "pc-1").await?;
    sealed.task_created("sweep").await?;
    let busy = rotate(&sealed, None)?;
    let told = String::from_utf8_lossy(&busy.stderr).into_owned();
    ensure!(
        !busy.status.success() && told.contains("stop it first"),
        "{told}"
    );

    let file = sealed.system.server.data().join("keys/vault.key");
    let next = file.with_extension("key.next");
    let mut times = 0;
    for (crash, exchanged) in [
        (Some("vault.next-key-made"), false),
        (Some("vault.rotate-before-commit"), false),
        (Some("vault.rotated"), true),
        (None, true),
    ] {
        sealed.system.server.stop().await?;
        let before = std::fs::read(&file)?;
        let output = rotate(&sealed, crash)?;
        match crash {
            Some(_) => killed(output.status)?,
            None => ensure!(output.status.success(), "{output:?}"),
        }
        sealed.system.server.restart(&[]).await?;
        assert_eq!(std::fs::read(&file)? != before, exchanged, "{crash:?}");
        ensure!(!next.exists(), "{crash:?}");
        let client = &sealed.system.client;
        client.device_online("pc-1").await?;
        let run = client.task_start(1).await?.id;
        client.run_finished(run).await?;
        times += 1;
        device
            .got(&sealed, times)
            .with_context(|| format!("{crash:?}"))?;
    }
    sealed.nowhere_in_files()
}

#[tokio::test]
async fn a_lost_or_wrong_key_stops_the_start_with_its_remedy() -> Result<()> {
    let mut sealed = Sealed::start().await?;
    sealed.fill().await?;
    sealed.system.server.stop().await?;
    let file = sealed.system.server.data().join("keys/vault.key");
    let good = std::fs::read(&file)?;
    let start = || -> Result<String> {
        let output = Command::new(Programs::find()?.server)
            .arg("--data")
            .arg(sealed.system.server.data())
            .args(["--listen", "127.0.0.1:0"])
            .output()?;
        ensure!(!output.status.success(), "it started");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    std::fs::remove_file(&file)?;
    let told = start()?;
    ensure!(
        told.contains("vault.key is missing") && told.contains("backup"),
        "{told}"
    );
    ensure!(!file.exists(), "another key was made");
    let other = "muster-vault-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    std::fs::write(&file, other)?;
    ensure!(start()?.contains("others may read"), "it is open to all");
    private(&file)?;
    let told = start()?;
    ensure!(
        told.contains("not the key that this vault was sealed with"),
        "{told}"
    );
    ensure!(!told.contains(other), "{told}");
    std::fs::write(&file, good)?;
    sealed.system.server.restart(&[]).await?;
    let shown = sealed.system.muster(&["secret", "show", "proxy"]).await?;
    shown.ok()?;
    Ok(())
}

fn private(file: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(
        file,
        std::fs::Permissions::from_mode(0o600),
    )?)
}

#[tokio::test]
async fn a_vault_that_got_its_key_and_no_more_has_it_at_the_next_start() -> Result<()> {
    let folder = muster_test_harness::folder()?;
    let data = folder.path().join("server");
    let status = Command::new(Programs::find()?.server)
        .arg("--data")
        .arg(&data)
        .args(["--listen", "127.0.0.1:0"])
        .env(CRASH_AT, "vault.key-made")
        .status()?;
    killed(status)?;
    let made = std::fs::read(data.join("keys/vault.key"))?;
    let system = muster_test_harness::TestSystem::start_in(folder, &[]).await?;
    system
        .muster_fed(&["secret", "set", "x"], "hunter2")
        .await?
        .ok()?;
    assert_eq!(std::fs::read(data.join("keys/vault.key"))?, made);
    Ok(())
}
