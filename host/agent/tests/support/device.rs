//! A device: a data folder with a connector, and an agent on it, in this process or in its own.

use super::{PATIENCE, TestServer};
use jiff::Timestamp;
use muster_agent::config::Tuning;
use muster_agent::connector::ConnectorSource;
use muster_agent::execute::Executor;
use muster_agent::platform_log::PlatformLog;
use muster_agent::store::StoreLocation;
use muster_agent::{Agent, AgentOptions, enroll};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct Device {
    folder: TempDir,
}

impl Device {
    /// One with a connector for `org.example.tool`, which runs while the file `running` exists.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let device = Self { folder };
        std::fs::create_dir(device.data().join("connectors")).unwrap();
        device.application_runs(true);
        device.connector(
            "tool.toml",
            &format!(
                "application = \"org.example.tool\"\nname = \"Tool\"\n[installed]\nfile = [\"/bin/true\"]\n\
                 [running]\nprogram = \"test\"\narguments = [\"-e\", \"{}\"]\n[programs]\n\
                 test = \"/usr/bin/test\"\ntrue = \"/bin/true\"\nfalse = \"/bin/false\"\nsleep = \"/bin/sleep\"\n\
                 printf = \"/usr/bin/printf\"\nenv = \"/usr/bin/env\"\ncat = \"/bin/cat\"\nhead = \"/usr/bin/head\"\n\
                 timeout = \"/usr/bin/timeout\"\nmissing = \"/nowhere/missing\"\n",
                device.running_file().display()
            ),
        );
        device
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    fn running_file(&self) -> PathBuf {
        self.data().join("running")
    }

    pub fn application_runs(&self, yes: bool) {
        if yes {
            std::fs::write(self.running_file(), "").unwrap();
        } else {
            std::fs::remove_file(self.running_file()).unwrap();
        }
    }

    pub fn connector(&self, name: &str, text: &str) {
        let file = self.data().join("connectors").join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    }

    /// Enrolls it and starts an agent in this process.
    pub async fn start(&self, server: &TestServer) -> Agent {
        self.start_with(server, |_| {}).await
    }

    pub async fn start_with(
        &self,
        server: &TestServer,
        change: impl FnOnce(&mut AgentOptions),
    ) -> Agent {
        let identity = enroll::enroll(&server.url, &server.token().to_string(), Some("d"))
            .await
            .unwrap();
        let mut options = AgentOptions {
            user_socket: None,
            identity,
            store: StoreLocation::Folder(self.data().to_owned()),
            connectors: ConnectorSource::Folder(self.data().join("connectors")),
            executor: Executor::Processes,
            platform_log: PlatformLog::None,
            tuning: Tuning {
                poll: Duration::from_millis(100),
                grace: Duration::from_millis(300),
                longest_backoff: Duration::from_millis(200),
                ..Tuning::default()
            },
        };
        change(&mut options);
        Agent::start(options).await.unwrap()
    }

    /// Runs the program to its end.
    pub async fn program(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command.args(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    /// Puts the clock of the program to a moment, or a little later.
    pub fn clock(&self, moment: Timestamp) {
        let off = moment.as_second() - Timestamp::now().as_second() + 1;
        // Whoever reads it meanwhile gets the whole old or the whole new one.
        let new = self.data().join("clock.new");
        std::fs::write(&new, off.to_string()).unwrap();
        std::fs::rename(new, self.data().join("clock")).unwrap();
    }

    /// Starts the program as the service.
    pub fn service(&self) -> Service {
        self.service_with(&[])
    }

    /// The same with more in its environment.
    pub fn service_with(&self, environment: &[(&str, &str)]) -> Service {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.data().join("service.log"))
            .unwrap();
        let child = self
            .command()
            .arg("run")
            .env("MUSTER_AGENT_POLL_SECONDS", "1")
            .env("MUSTER_AGENT_GRACE_SECONDS", "1")
            .env("MUSTER_AGENT_LONGEST_BACKOFF_SECONDS", "1")
            .env("MUSTER_AGENT_PLATFORM_LOG", "none")
            .envs(environment.iter().copied())
            .stderr(log)
            .spawn()
            .unwrap();
        Service(child)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster-agent"));
        command.arg("--data").arg(self.data()).stdin(Stdio::null());
        command.env("MUSTER_CLOCK", self.data().join("clock"));
        command.env("TZ", "Europe/Berlin");
        command
    }
}

/// The program as a process; killed at the end of a test.
pub struct Service(Child);

impl Service {
    pub fn kill9(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Waits until it was killed from within.
    pub async fn killed(mut self) {
        use std::os::unix::process::ExitStatusExt as _;
        let status = tokio::task::spawn_blocking(move || self.0.wait().unwrap());
        assert_eq!(status.await.unwrap().signal(), Some(9));
    }

    pub async fn terminate(mut self) -> bool {
        let id = self.0.id().to_string();
        assert!(
            Command::new("/bin/kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        tokio::task::spawn_blocking(move || self.0.wait().unwrap().success())
            .await
            .unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The processes whose command line holds a text.
pub fn processes_with(text: &str) -> Vec<u32> {
    let found = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            String::from_utf8_lossy(&line).contains(text).then_some(pid)
        });
    found.filter(|pid| *pid != std::process::id()).collect()
}

/// Waits until something is so.
pub async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
