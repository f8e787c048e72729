//! The commands of docs/tasks.md, docs/export.md and docs/local-tasks.md do what the pages say.

use anyhow::{Context as _, Result, ensure};
use muster_flows::{Device, system_with_clamav};
use muster_test_harness::{TestSystem, until};
use std::path::Path;

/// The commands of a block, and what stands below them.
#[derive(Default)]
struct Step {
    /// Files that stand before the commands.
    files: Vec<(String, String)>,
    commands: Vec<String>,
    printed: Vec<String>,
}

/// The blocks of commands of a page, each with the block of text behind it.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut within = None;
    let mut files: Vec<(String, String)> = Vec::new();
    for line in page.lines() {
        match (within, line, steps.last_mut()) {
            (None, "```sh", _) => {
                within = Some("sh");
                steps.push(Step {
                    files: std::mem::take(&mut files),
                    ..Step::default()
                });
            }
            (None, fence, _) if fence.starts_with("```toml ") || fence.starts_with("```json ") => {
                within = Some("file");
                let (_, name) = fence.split_once(' ').unwrap_or_default();
                files.push((name.to_owned(), String::new()));
            }
            (None, "```text", _) => within = Some("text"),
            (Some(_), "```", _) => within = None,
            (Some("file"), text, _) => {
                if let Some((_, file)) = files.last_mut() {
                    file.push_str(text);
                    file.push('\n');
                }
            }
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
    // 6: a plan that was only looked at would change something.
    let ran = if ran.status == 6 {
        ran
    } else {
        ran.ok().with_context(|| command.to_owned())?
    };
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

/// A page is gone through, from its top to its end.
async fn page(name: &str) -> Result<()> {
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
    let page = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    let steps = steps(&std::fs::read_to_string(page)?);
    ensure!(
        steps.len() > 3,
        "the page has {} blocks of commands",
        steps.len()
    );
    for step in steps {
        for (name, text) in &step.files {
            std::fs::write(system.folder().join(name), text)?;
        }
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

#[tokio::test]
async fn every_command_of_the_guide_to_tasks_does_what_it_says() -> Result<()> {
    page("tasks.md").await
}

#[tokio::test]
async fn every_command_of_the_guide_to_files_does_what_it_says() -> Result<()> {
    page("export.md").await
}

/// A command of the page for users, on the device or on the server.
async fn run_anywhere(system: &TestSystem, device: &Device, command: &str) -> Result<String> {
    let Some(own) = command.strip_prefix("muster-agent") else {
        return run(system, command).await;
    };
    let settings = device.folder().join("scan.json").display().to_string();
    let words = shell_words(&format!("x{own}"))?;
    let words = words.iter().skip(1);
    let arguments: Vec<&str> = words
        .map(|word| match word.as_str() {
            "scan.json" => settings.as_str(),
            word => word,
        })
        .collect();
    // What cannot be done is told as well.
    Ok(match device.agent.ask(&arguments) {
        Ok(printed) => printed,
        Err(error) => error.to_string(),
    })
}

#[tokio::test]
async fn every_command_of_the_guide_to_local_tasks_does_what_it_says() -> Result<()> {
    let system = system_with_clamav().await?;
    system.client.group_create("Office", None).await?;
    let clean = "echo 'Scanned files: 2'\necho 'Infected files: 0'";
    let device = Device::start(&system, "pc-1", clean).await?;
    system
        .muster(&["device", "move", "pc-1", "/Office"])
        .await?
        .ok()?;
    let settings = r#"{"area": "paths", "paths": ["/home"]}"#;
    std::fs::write(device.folder().join("scan.json"), settings)?;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/local-tasks.md");
    let steps = steps(&std::fs::read_to_string(page)?);
    ensure!(
        steps.len() > 5,
        "the page has {} blocks of commands",
        steps.len()
    );
    for step in steps {
        let mut printed = String::new();
        for command in &step.commands {
            // The device hears of what was done on the server in its own time, and the other way round.
            let asks = [
                " list",
                " show",
                " changes",
                " history",
                " explain",
                " user-changes",
            ];
            let looks = asks.iter().any(|word| command.contains(word));
            let creates = command.contains("agent task create");
            let said = until(command, async || {
                let said = run_anywhere(&system, &device, command).await?;
                let early =
                    creates && said.contains("does not allow") || said.contains("has not sent yet");
                let so_far = format!("{printed}{said}");
                let all = step.printed.iter().all(|line| has_line(&so_far, line));
                let last = Some(command) == step.commands.last();
                Ok((!early && (all || !looks || !last)).then_some(said))
            })
            .await
            .with_context(|| format!("{command}: {printed}"))?;
            printed.push_str(&said);
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
