//! The commands of docs/tasks.md do what the page says.

use anyhow::{Context as _, Result, ensure};
use muster_flows::{Device, system_with_clamav};
use muster_test_harness::TestSystem;
use std::path::Path;

/// The commands of a block, and what stands below them.
#[derive(Default)]
struct Step {
    commands: Vec<String>,
    printed: Vec<String>,
}

/// The blocks of commands of a page, each with the block of text behind it.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut within = None;
    for line in page.lines() {
        match (within, line, steps.last_mut()) {
            (None, "```sh", _) => {
                within = Some("sh");
                steps.push(Step::default());
            }
            (None, "```text", _) => within = Some("text"),
            (Some(_), "```", _) => within = None,
            (Some("sh"), command, Some(step)) => step.commands.push(command.to_owned()),
            (Some("text"), printed, Some(step)) => step.printed.push(printed.to_owned()),
            _ => {}
        }
    }
    steps
}

/// Whether a text has a line with these words in their order.
fn has_line(text: &str, wanted: &str) -> bool {
    let words: Vec<&str> = wanted.split_whitespace().collect();
    text.lines().any(|line| {
        let mut rest = line;
        words.iter().all(|word| match rest.find(word) {
            Some(at) => {
                rest = &rest[at + word.len()..];
                true
            }
            None => false,
        })
    })
}

async fn run(system: &TestSystem, command: &str) -> Result<String> {
    let words = shell_words(command)?;
    let arguments: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    ensure!(
        words.first().is_some_and(|word| word == "muster"),
        "{command}"
    );
    let ran = system.muster(&arguments).await?;
    let ran = ran.ok().with_context(|| command.to_owned())?;
    Ok(format!("{}{}", ran.out, ran.err))
}

/// The words of a command as a shell takes them: quotes hold together.
fn shell_words(command: &str) -> Result<Vec<String>> {
    let script = format!("set -f; for word in {command}; do printf '%s\\n' \"$word\"; done");
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .output()?;
    Ok(String::from_utf8(output.stdout)?
        .lines()
        .map(str::to_owned)
        .collect())
}

#[tokio::test]
async fn every_command_of_the_guide_to_tasks_does_what_it_says() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let clean = "echo 'Scanned files: 2'\necho 'Infected files: 0'";
    let mut devices = Vec::new();
    for (name, group) in [("pc-1", "Office"), ("pc-2", "Lab")] {
        client.group_create(group, None).await?;
        devices.push(Device::start(&system, name, clean).await?);
        let moved = ["device", "move", name, &format!("/{group}")];
        system.muster(&moved).await?.ok()?;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tasks.md");
    let page = std::fs::read_to_string(page)?;
    let (_, rollout) = page.split_once("```json\n").context("no rollout")?;
    let (rollout, _) = rollout.split_once("```").context("no rollout")?;
    std::fs::write(system.folder().join("rollout.json"), rollout)?;
    let steps = steps(&page);
    ensure!(
        steps.len() > 5,
        "the page has {} blocks of commands",
        steps.len()
    );
    for step in steps {
        let mut printed = String::new();
        for command in &step.commands {
            printed.push_str(&run(&system, command).await?);
        }
        for line in &step.printed {
            ensure!(
                has_line(&printed, line),
                "{:?} printed no line {line:?}:\n{printed}",
                step.commands
            );
        }
    }
    Ok(())
}
