//! `muster plugin dev`: build, install and try again on each save, on a server of one's own.
//!
//! The server, the agent and this very program are run as they are shipped, in a temporary folder. The
//! device is pretended: an agent whose programs print what the reports of the cases say.

mod device;
mod files;
mod world;

use super::build::{Build, Built};
use super::engine::{Engine, Guest};
use crate::failure::Failure;
use crate::output::{Output, Tint, cell};
use clap::Args;
use muster_domain::text::counted;
use muster_plugin_harness::Suite;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;
use world::World;

/// Between two looks at the project's files.
const LOOK: Duration = Duration::from_millis(300);
/// Inputs that are drawn for each rule on each save; `muster plugin check` draws more.
const CASES: u32 = 40;

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// Build, install and end, instead of waiting for the next save
    #[arg(long)]
    once: bool,
    /// Where the server listens; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: String,
    /// Let the device run the programs that the connector names, on this machine
    #[arg(long)]
    real_programs: bool,
    /// The folder of muster-server and muster-agent, if they are neither beside this program nor on
    /// the PATH
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
}

impl Dev {
    pub(super) async fn run(self, out: &Output) -> Result<(), Failure> {
        let build = Build::of(self.folder.clone());
        // Heard from here on, so that what is begun below is ended as well.
        let mut end = pin!(asked_to_end()?);
        let engine = Engine::start()?;
        let mut world = World::start(self.programs.as_deref(), &self.listen)?;
        out.note(&format!("A server listens on {}.", world.address()));
        let mut seen = files::seen(&self.folder);
        let mut told = false;
        loop {
            let round = round(out, &build, &engine, &mut world).and_then(|(guest, passes)| {
                if !told {
                    let device = world.device(&self.folder, self.real_programs)?;
                    self.look_around(out, &world, &guest, device)?;
                    told = true;
                }
                Ok(passes)
            });
            if self.once {
                let text = "the plug-in breaks rules that servers rely on".to_owned();
                return if round? {
                    Ok(())
                } else {
                    Err(Failure::Refused(text))
                };
            }
            if let Err(failure) = round {
                out.note(&muster_domain::chain(&failure));
            }
            out.note("Waiting for the next save; Ctrl-C ends it.");
            seen = tokio::select! {
                seen = files::until_changed(&self.folder, &seen, LOOK) => seen,
                () = &mut end => return Ok(()),
            };
        }
    }

    /// What one does next, from another terminal.
    fn look_around(
        &self,
        out: &Output,
        world: &World,
        guest: &Guest,
        device: bool,
    ) -> Result<(), Failure> {
        let mut fields = vec![(
            "from another terminal",
            cell(format!(
                "export MUSTER_CONFIG_DIR={}",
                world.login().display()
            )),
        )];
        fields.push(("task types", cell("muster task types")));
        if device {
            let whose = if self.real_programs {
                "runs the programs that the connector names, on this machine"
            } else {
                "runs programs that print what the reports of the cases say"
            };
            fields.push(("device", cell(format!("{} {whose}", device::NAME))));
            let create = world.example(guest.description())?;
            fields.push(("create a task", cell(create)));
            fields.push(("start it", cell("muster task start try --watch")));
        }
        out.fields(fields)
    }
}

/// Until Ctrl-C is pressed, or the program is asked to end.
#[cfg(unix)]
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Until Ctrl-C is pressed.
#[cfg(windows)]
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

/// Builds, checks and installs. Answers what is installed, and whether it keeps all rules: one that
/// does not is installed all the same if the server takes it, as its author may be half-way.
fn round(
    out: &Output,
    build: &Build,
    engine: &Engine,
    world: &mut World,
) -> Result<(Guest, bool), Failure> {
    let Built {
        file, size, took, ..
    } = build.build()?;
    let component = std::fs::read(&file)
        .map_err(|cause| Failure::Usage(format!("cannot read {}: {cause}", file.display())))?;
    let suite = Suite {
        cases: CASES,
        ..Suite::default()
    };
    let verdict = suite.run(engine.harness(), component.clone());
    let guest = engine.open_bytes(component)?;
    let installed = world.install(&file, guest.description())?;
    if verdict.broken().next().is_some() {
        out.note(&verdict.to_text());
    }
    let seconds = took.as_secs_f64();
    let broken = verdict.broken().count();
    out.fields(vec![
        (
            "built",
            cell(format!("{} KiB in {seconds:.1} s", size.div_ceil(1024))),
        ),
        (
            "checked",
            match broken {
                0 => cell(format!("{} calls, every rule kept", verdict.calls)),
                some => cell(format!(
                    "{} to look at, see above",
                    counted(some as u64, "rule")
                ))
                .tint(Tint::Attention),
            },
        ),
        ("installed", cell(installed)),
    ])?;
    Ok((guest, verdict.passes()))
}
