//! A server of one's own, its vendor, and its device: programs as they are shipped, in a temporary
//! folder that goes with them.

use super::device;
use crate::failure::Failure;
use muster_domain::application::Description;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Everything that is made; it ends with this value.
#[derive(Debug)]
pub(super) struct World {
    /// The folder of the programs, if it was named.
    programs: Option<PathBuf>,
    address: String,
    server: Child,
    agent: Option<Child>,
    /// Applications whose plug-ins the server takes by the vendor's key.
    trusted: BTreeSet<String>,
    folder: tempfile::TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.agent.iter_mut().chain([&mut self.server]) {
            // One that ended already cannot be ended, and is waited for all the same.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl World {
    pub(super) fn start(programs: Option<&Path>, listen: &str) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("muster-dev-").tempdir();
        let folder = folder.map_err(|cause| failed("make a temporary folder", &cause))?;
        let log = File::create(folder.path().join("server.log"))
            .map_err(|cause| failed("write the server's log", &cause))?;
        let server = program(programs, "muster-server")
            .arg("--data")
            .arg(folder.path().join("server"))
            .args(["--listen", listen])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|cause| missing("muster-server", &cause))?;
        let mut world = Self {
            programs: programs.map(Path::to_owned),
            address: String::new(),
            server,
            agent: None,
            trusted: BTreeSet::new(),
            folder,
        };
        let mut lines = BufReader::new(world.server.stdout.take().ok_or_else(silent)?).lines();
        let mut told = |what: &str| {
            while let Some(Ok(line)) = lines.next() {
                if let Some(told) = line.strip_prefix(what) {
                    return Ok(told.trim().to_owned());
                }
            }
            let log = std::fs::read_to_string(world.folder.path().join("server.log"));
            let text = format!("the server did not start:\n{}", log.unwrap_or_default());
            Err(Failure::Refused(text))
        };
        let address = told("listening on ")?;
        let token = told("administrator token: ")?;
        let fingerprint = told("CA fingerprint: ")?;
        // Reading on keeps the pipe from filling up.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let login = ["login", &address, "--token", "-"];
        let login = [&login[..], &["--ca-fingerprint", &fingerprint]].concat();
        world.muster(&login, &token)?;
        let key = world.path("vendor.key");
        world.muster(&["plugin", "keygen", &key, "--no-password"], "")?;
        world.address = address;
        Ok(world)
    }

    /// `https://127.0.0.1:PORT`
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The folder with the login, for other terminals.
    pub(super) fn login(&self) -> PathBuf {
        self.folder.path().join("login")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Signs a component and puts it to work. Answers what it is.
    pub(super) fn install(
        &mut self,
        component: &Path,
        described: &Description,
    ) -> Result<String, Failure> {
        let copy = self.path("plugin.wasm");
        std::fs::copy(component, &copy)
            .map_err(|cause| failed(&format!("copy {}", component.display()), &cause))?;
        let application = described.application.to_string();
        let version = described.version.to_string();
        let (key, public) = (self.path("vendor.key"), self.path("vendor.key.pub"));
        let asked = asked(described);
        let mut sign = vec!["plugin", "sign", &copy, "--key", &key];
        sign.extend(["--application", &application, "--plugin-version", &version]);
        let options = asked.iter();
        sign.extend(options.flat_map(|(option, value)| [*option, value.as_str()]));
        self.muster(&sign, "")?;
        if !self.trusted.contains(&application) {
            let mut trust = vec!["trust", "key", "add", &public, "--signer", "author"];
            trust.extend(["--application", &application]);
            self.muster(&trust, "")?;
            self.trusted.insert(application.clone());
        }
        let rights: Vec<String> = asked.into_iter().map(|(_, right)| right).collect();
        let granted = rights.join(",");
        let mut install = vec!["plugin", "install", &copy];
        if !granted.is_empty() {
            install.extend(["--grant", &granted]);
        }
        let installed = self.muster(&install, "")?;
        let installed = installed.get(0).unwrap_or(&installed);
        let text = |value: &Value, name: &str| {
            let text = value.get(name).and_then(Value::as_str);
            text.map(str::to_owned).ok_or_else(silent)
        };
        // It waits if it changes what devices do, which its author wants to see.
        if text(installed, "state")? == "ready" {
            let digest = text(installed, "digest")?;
            let plan = self.muster(&["plugin", "plan", &application, &digest], "")?;
            let plan = text(&plan, "id")?;
            let activate = ["plugin", "activate", &application, &digest];
            let accept = ["--allow-downgrade", "--accept", &plan];
            self.muster(&[&activate[..], &accept].concat(), "")?;
        }
        Ok(format!("{application} {version}"))
    }

    /// Enrolls and starts the device, if the project has a connector.
    pub(super) fn device(&mut self, project: &Path, real: bool) -> Result<bool, Failure> {
        let Some(connector) = device::connector(project)? else {
            return Ok(false);
        };
        let connector = if real {
            connector
        } else {
            device::pretended(&connector, project, &self.folder.path().join("programs"))?
        };
        let enrolled = self.muster(&["device", "enroll-token"], "")?;
        let token = enrolled
            .get("token")
            .and_then(Value::as_str)
            .ok_or_else(silent)?;
        let data = self.folder.path().join("agent");
        let mut enroll = program(self.programs.as_deref(), "muster-agent");
        enroll
            .arg("--data")
            .arg(&data)
            .args(["enroll", "--server", &self.address]);
        enroll.args(["--token", token, "--name", device::NAME]);
        let output = enroll
            .output()
            .map_err(|cause| missing("muster-agent", &cause))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::Refused(format!(
                "the device was not enrolled: {said}"
            )));
        }
        let connectors = data.join("connectors");
        std::fs::create_dir_all(&connectors)
            .and_then(|()| std::fs::write(connectors.join("plugin.toml"), connector))
            .map_err(|cause| failed("write the connector", &cause))?;
        let log = File::create(self.folder.path().join("agent.log"))
            .map_err(|cause| failed("write the agent's log", &cause))?;
        let agent = program(self.programs.as_deref(), "muster-agent")
            .arg("--data")
            .arg(&data)
            .arg("run")
            // It leaves no traces in this machine's own log.
            .env("MUSTER_AGENT_PLATFORM_LOG", "none")
            .env("MUSTER_AGENT_POLL_SECONDS", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|cause| missing("muster-agent", &cause))?;
        self.agent = Some(agent);
        Ok(true)
    }

    /// A command that makes a task by the plug-in's first example.
    pub(super) fn example(&self, described: &Description) -> Result<String, Failure> {
        let Some(task_type) = described.task_types.first() else {
            return Ok("the plug-in has no task type".to_owned());
        };
        let settings = task_type.examples.first();
        let settings = settings.map_or_else(|| json!({}), |example| example.settings.to_value());
        let file = self.path("settings.json");
        std::fs::write(&file, format!("{settings:#}\n"))
            .map_err(|cause| failed("write the settings", &cause))?;
        Ok(format!(
            "muster task create try --application {} --type {} --device {} --settings {file}",
            described.application,
            task_type.id,
            device::NAME,
        ))
    }

    /// Runs this very program for the server's administrator, and gives its JSON.
    fn muster(&self, arguments: &[&str], input: &str) -> Result<Value, Failure> {
        let this = std::env::current_exe().map_err(|cause| failed("find this program", &cause))?;
        let mut command = Command::new(this);
        for variable in ["MUSTER_SERVER", "MUSTER_TOKEN", "MUSTER_CA_FILE"] {
            command.env_remove(variable);
        }
        let mut child = command
            .env("MUSTER_CONFIG_DIR", self.login())
            .args(["--output", "json"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|cause| missing("muster", &cause))?;
        if let Some(mut pipe) = child.stdin.take() {
            // One that does not read says why it ended.
            let _ = pipe.write_all(input.as_bytes());
        }
        let output = child
            .wait_with_output()
            .map_err(|cause| failed("wait for muster", &cause))?;
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout).unwrap_or_default());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let read: Option<Value> = serde_json::from_str(&said).ok();
        let detail = read.as_ref().and_then(|read| read.get("detail")?.as_str());
        let command = arguments.get(..2).unwrap_or_default().join(" ");
        let said = detail.unwrap_or(&said);
        Err(Failure::Refused(format!("`muster {command}`: {said}")))
    }
}

/// What a plug-in asks for, as options of `sign`; the values are those of `--grant` as well.
fn asked(described: &Description) -> Vec<(&'static str, String)> {
    let capabilities = described.capabilities.iter();
    let capabilities = capabilities.map(|asked| ("--capability", asked.name.clone()));
    let limits = described.limits.iter();
    let limits = limits.map(|asked| ("--limit", format!("{}={}", asked.limit, asked.value)));
    capabilities.chain(limits).collect()
}

/// A program of ours: where it was said, beside this one, or on the PATH.
fn program(named: Option<&Path>, name: &str) -> Command {
    let beside = std::env::current_exe().ok();
    let beside = beside
        .as_deref()
        .and_then(Path::parent)
        .map(|folder| folder.join(name));
    let path = match named {
        Some(folder) => folder.join(name),
        None => beside
            .filter(|path| path.is_file())
            .unwrap_or_else(|| name.into()),
    };
    Command::new(path)
}

fn missing(name: &str, cause: &std::io::Error) -> Failure {
    Failure::Refused(format!(
        "{name} cannot be run: {cause}. It has to be beside this program, on the PATH, or in the folder of --programs"
    ))
}

fn failed(what: &str, cause: &std::io::Error) -> Failure {
    Failure::Refused(format!("cannot {what}: {cause}"))
}

fn silent() -> Failure {
    Failure::Refused("a program of Muster said something else than this one expects; are they of the same version?".to_owned())
}
