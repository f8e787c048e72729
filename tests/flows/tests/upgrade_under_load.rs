//! An upgrade under load: ClamAV's plug-in is switched back and forth while tasks are created and
//! deliveries run. Nothing fails, and every answer is of one revision.

use anyhow::{Context as _, Result, ensure};
use muster_api::plan::{PlanView, RevisionActivate};
use muster_api::plugin::PluginView;
use muster_api::task::TaskRevisionView;
use muster_domain::Digest;
use muster_flows::{
    CLAMAV, DETECTS, Device, FOUND, SCANNER_ARGUMENTS, SECOND_VERSION, WARNED, first_clamav, scan,
    second_clamav, system_with_clamav, task,
};
use muster_test_harness::{Client, TestSystem};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const SWITCHES: u32 = 100;
const TASKS_A_SECOND: u32 = 200;

/// Creates tasks at the rate, as far as the machine keeps up, until it is told to end. Each is looked
/// at and deleted again. Tells how many each revision validated.
async fn create(client: Client, digests: [String; 2], end: Arc<AtomicBool>) -> Result<[u32; 2]> {
    let mut every = tokio::time::interval(Duration::from_secs(1) / TASKS_A_SECOND);
    let mut created = tokio::task::JoinSet::new();
    let mut number = 0;
    while !end.load(Ordering::Relaxed) {
        every.tick().await;
        number += 1;
        let (client, name) = (client.clone(), format!("load {number}"));
        let digests = digests.clone();
        created.spawn(async move {
            let settings = json!({
                "area": "paths",
                "paths": ["/files"],
                "archives": { "scan": false, "max-files": 7 },
            });
            let task = task(&name, CLAMAV, "scan", settings);
            let task = client.task_create(&task).await?.id;
            let path = format!("/tasks/{task}");
            let revisions = client.list(&format!("{path}/revisions"), "").await?;
            let which = validated_by(&digests, &revisions)?;
            let delete = client.request(Method::DELETE, &path);
            let deleted = client.send(delete).await?;
            ensure!(deleted.status.is_success(), "{}", deleted.text());
            Ok(which)
        });
    }
    let mut counts = [0, 0];
    for which in created.join_all().await {
        if let Some(count) = counts.get_mut(which?) {
            *count += 1;
        }
    }
    Ok(counts)
}

/// Runs a task again and again until it is told to end; tells how often.
async fn run(client: Client, device: &Device, end: Arc<AtomicBool>) -> Result<[u32; 2]> {
    let task = client.task_create(&scan("run again")).await?;
    let mut counts = [0, 0];
    while !end.load(Ordering::Relaxed) {
        let run = client.task_start(task.id).await?.id;
        client.run_finished(run).await?;
        let deliveries = client.deliveries(run).await?;
        let delivery = deliveries.first().context("there is no delivery")?;
        let summary = delivery.summary.clone().unwrap_or_default();
        let given = std::fs::read_to_string(device.folder().join("given"))?;
        let given = given
            .lines()
            .last()
            .context("the program was not at work")?
            .to_owned();
        let of = |texts: [&str; 2], text: &str| texts.iter().position(|one| text.contains(one));
        let translated = of(SCANNER_ARGUMENTS, &given).context("given by nobody")?;
        ensure!(
            of(FOUND, &summary) == Some(translated),
            "run {run} was translated by revision {translated}: {given}; and interpreted as {summary}"
        );
        if let Some(count) = counts.get_mut(translated) {
            *count += 1;
        }
    }
    Ok(counts)
}

async fn put_to_work(system: &TestSystem, second: Vec<u8>) -> Result<()> {
    let revision = format!("/plugins/{CLAMAV}/revisions/{}", Digest::of(&second));
    system
        .client
        .plugin_install_as(&second, CLAMAV, SECOND_VERSION)
        .await?
        .ok::<PluginView>()?;
    let plan: PlanView = system.client.get(&format!("{revision}/plan")).await?;
    let body = RevisionActivate {
        plan: Some(plan.id),
        ..RevisionActivate::default()
    };
    let answer = system
        .client
        .post(&format!("{revision}/activate"), &body)
        .await?;
    answer.ok::<Value>()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plug_in_is_switched_back_and_forth_under_load() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = system.client.clone();
    let scanner = format!("echo \"$*\" >> given\n{DETECTS}");
    let device = Device::start(&system, "pc-1", &scanner).await?;
    let digests = [
        first_clamav(&system.programs)?,
        second_clamav(&system.programs)?,
    ]
    .map(|component| Digest::of(&component).to_string());
    put_to_work(&system, second_clamav(&system.programs)?).await?;

    let end = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let switch = async {
        for number in 0..SWITCHES {
            let done = client.plugin_rollback(CLAMAV).await?;
            let wanted = digests.get(number as usize % 2);
            ensure!(
                Some(&done.plugin.digest) == wanted,
                "switch {number} went elsewhere"
            );
        }
        end.store(true, Ordering::Relaxed);
        anyhow::Ok(began.elapsed())
    };
    // Whoever fails ends all.
    let (took, runs, tasks) = tokio::try_join!(
        switch,
        run(client.clone(), &device, Arc::clone(&end)),
        create(client.clone(), digests.clone(), Arc::clone(&end)),
    )?;
    println!(
        "{SWITCHES} switches in {took:?}; by revision {tasks:?} tasks created and {runs:?} deliveries"
    );
    for (what, counts) in [("deliveries", runs), ("tasks", tasks)] {
        ensure!(
            counts.iter().all(|count| *count > 0),
            "{what} of one revision alone: {counts:?}"
        );
    }
    Ok(())
}

/// Which revision a task names, whose words must be those of that revision.
fn validated_by(digests: &[String; 2], revisions: &[TaskRevisionView]) -> Result<usize> {
    let first = revisions.last().context("a task without a revision")?;
    let which = digests.iter().position(|digest| *digest == first.plugin);
    let which = which.context("validated by nobody")?;
    let warned = WARNED.get(which).copied().unwrap_or_default();
    ensure!(
        first
            .findings
            .iter()
            .any(|finding| finding.text.starts_with(warned)),
        "revision {which} validated it, and it says {:?}",
        first.findings
    );
    Ok(which)
}
