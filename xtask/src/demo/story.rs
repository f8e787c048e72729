//! What happens in the demo, in its order.

use super::device;
use super::world::{Greeting, World};
use crate::plugins::Plugin;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::Path;

const DEVICE: &str = "pc-1";
const GROUP: &str = "/Office";
const AIDE: &str = "net.aide.aide";

/// Tells it from the empty server to the last event.
pub(super) fn tell(world: &mut World, plugins: &[Plugin]) -> Result<()> {
    let address = server(world)?;
    let signed = signed(world, plugins)?;
    plug_ins(world, &signed)?;
    device_of(world, &address)?;
    scan(world)?;
    integrity(world)?;
    refusal(world)?;
    traces(world)
}

fn chapter(title: &str) {
    println!("\n\n== {title}");
}

/// Gives back the server's address.
fn server(world: &mut World) -> Result<String> {
    chapter("A server starts in an empty folder, and an administrator logs in");
    let Greeting {
        address,
        token,
        fingerprint,
    } = world.start_server()?;
    world.muster_reading(
        &[
            "login",
            &address,
            "--token",
            "-",
            "--ca-fingerprint",
            &fingerprint,
        ],
        &token,
    )?;
    Ok(address)
}

/// The vendor's part: a key, and a signature over what each plug-in is. Gives back their files.
fn signed(world: &World, plugins: &[Plugin]) -> Result<Vec<String>> {
    chapter("A vendor makes a key, and signs what each plug-in is and for which application");
    let text = |path: &Path| -> Result<String> {
        let text = path.to_str().context("a path is not UTF-8")?;
        Ok(text.to_owned())
    };
    let folder = world.path("vendor");
    std::fs::create_dir_all(&folder).context("no folder for the vendor")?;
    let key = text(&folder.join("vendor.key"))?;
    world.muster(&["plugin", "keygen", &key, "--no-password"])?;
    let mut files = Vec::new();
    for plugin in plugins {
        let file = folder.join(&plugin.name).with_extension("wasm");
        std::fs::copy(&plugin.path, &file)
            .with_context(|| format!("cannot copy {}", plugin.path.display()))?;
        let file = text(&file)?;
        world.muster(&[
            "plugin",
            "sign",
            &file,
            "--key",
            &key,
            "--application",
            &plugin.application,
            "--plugin-version",
            &plugin.version,
        ])?;
        files.push(file);
    }
    chapter("The administrator trusts that key for these applications, and for no others");
    let public = format!("{key}.pub");
    let mut add = vec!["trust", "key", "add", &public, "--signer", "demo-vendor"];
    for plugin in plugins {
        add.extend(["--application", &plugin.application]);
    }
    world.muster(&add)?;
    Ok(files)
}

fn plug_ins(world: &World, plugins: &[String]) -> Result<()> {
    chapter("It knows no application; management plug-ins are installed while it runs");
    let mut install = vec!["plugin", "install"];
    install.extend(plugins.iter().map(String::as_str));
    world.muster(&install)?;
    world.muster(&["plugin", "list"])
}

fn device_of(world: &mut World, server: &str) -> Result<()> {
    chapter(
        "A device is enrolled into a group; its connectors say which programs may be run there",
    );
    world.muster(&["group", "create", GROUP])?;
    let token = world.ask(&["device", "enroll-token", "--group", GROUP])?;
    let token = token
        .pointer("/token")
        .and_then(Value::as_str)
        .context("the server gave no token")?;
    world.muster_agent(&[
        "enroll", "--server", server, "--token", token, "--name", DEVICE,
    ])?;
    device::connectors(
        &world.root().join("plugins"),
        &world.path("agent/connectors"),
    )?;
    world.start_agent()?;
    world.until(
        "the device to tell of both applications",
        &["device", "show", DEVICE],
        |device| {
            let applications = device.pointer("/applications").and_then(Value::as_array);
            let state = |application: &Value| {
                application.pointer("/state").and_then(Value::as_str) == Some("running")
            };
            applications.is_some_and(|all| all.len() == 2 && all.iter().all(state))
        },
    )?;
    world.muster(&["device", "list"])
}

fn scan(world: &World) -> Result<()> {
    let files = world.path("files");
    let marked = device::files(&files)?;
    device::signatures(&world.path("signatures"))?;
    chapter(&format!(
        "{} clean files lie on the device, and one with a harmless marker that one signature knows:\n   {}",
        device::CLEAN_FILES,
        marked.display()
    ));
    let paths = format!("paths[]={}", files.display());
    let database = format!("database-folder={}", world.path("signatures").display());
    world.muster(&[
        "task",
        "create",
        "Scan of the files",
        "--application",
        "net.clamav.clamav",
        "--type",
        "scan",
        "--group",
        GROUP,
        "--set",
        "area=paths",
        "--set",
        &paths,
        "--set",
        &database,
    ])?;
    world.muster(&["task", "start", "Scan of the files", "--watch"])?;

    chapter("The detection is an event, with file and signature");
    let kind = ["events", "--kind", "application.threat-detected"];
    world.muster(&kind)?;
    let events = world.ask(&kind)?;
    let fields = events
        .pointer("/0/fields")
        .context("there is no event of the detection")?;
    println!("{}", serde_json::to_string_pretty(fields)?);
    let told = fields.to_string();
    ensure!(
        told.contains(device::SIGNATURE) && told.contains(&*marked.to_string_lossy()),
        "the event names neither {} nor {}",
        device::SIGNATURE,
        marked.display()
    );
    Ok(())
}

fn integrity(world: &World) -> Result<()> {
    chapter(
        "Another application: AIDE remembers the files, somebody changes three, and a check tells",
    );
    let paths = format!("paths[]={}", world.path("files").display());
    let database = format!("database-folder={}", world.path("aide").display());
    for (name, task_type) in [
        ("Remember the files", "initialise"),
        ("Compare the files", "check"),
    ] {
        world.muster(&[
            "task",
            "create",
            name,
            "--application",
            AIDE,
            "--type",
            task_type,
            "--group",
            GROUP,
            "--set",
            &paths,
            "--set",
            &database,
        ])?;
    }
    world.muster(&["task", "start", "Remember the files", "--watch"])?;
    device::change(&world.path("files"))?;
    world.muster(&["task", "start", "Compare the files", "--watch"])?;
    world.muster(&["events", "--application", AIDE])
}

fn refusal(world: &World) -> Result<()> {
    chapter("Without a plug-in for an application there is no task for it");
    let create = [
        "task",
        "create",
        "Scan",
        "--application",
        "com.example.antivirus",
        "--type",
        "scan",
        "--group",
        GROUP,
    ];
    world.muster_refused(&create)?;
    world.muster(&["events", "--kind", "task.refused"])
}

fn traces(world: &World) -> Result<()> {
    chapter("What is left: runs on the server, and the device's own log");
    world.muster(&["run", "list"])?;
    world.muster_agent(&["log"])
}

/// How somebody can go on alone.
pub(super) fn look_around(world: &World) {
    chapter("Server and agent go on. Look around from another terminal");
    println!(
        "\n  export MUSTER_CONFIG_DIR={} PATH={}:$PATH\n  muster task list\n  muster task types net.clamav.clamav\n  \
         muster events --follow\n  muster-agent --data {} status\n\nCtrl-C ends both, and removes {}.",
        world.path("login").display(),
        world.programs().display(),
        world.path("agent").display(),
        world.path("").display()
    );
}
