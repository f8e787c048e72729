//! A device whose program is given secrets, and says them every way it can.

use crate::{ALWAYS, CHANGING, Needles, changing_release, connector, task};
use anyhow::{Context as _, Result, ensure};
use muster_api::task::{TaskCreate, TaskView};
use muster_domain::Digest;
use muster_test_harness::{Agent, TestClock, TestSystem, folder, until};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// What it does with what it gets. `got` holds digests alone.
const SAYS_IT_ALL: &str = r#"value=$(cat)
printf '%s' "$value" | sha256sum | cut -c1-64 >> got
printf '%s' "$TOKEN" | sha256sum | cut -c1-64 >> got
echo "said $value"
echo "twice $value$value and $TOKEN"
printf '%s' "$value" | base64
printf 'anna:%s' "$value" | base64
printf '%s' "$TOKEN" | od -An -v -tx1 | tr -d ' \n'
echo
echo "token: $TOKEN" >&2
echo begun >> begun
while [ -e hold ]; do sleep 0.02; done
echo done >> done
"#;

/// The secrets of a test, and a system whose vault has them as `proxy` and `token`.
#[derive(Debug)]
pub struct Sealed {
    /// The system.
    pub system: TestSystem,
    /// What goes by standard input.
    pub proxy: String,
    /// What goes in the environment.
    pub token: String,
}

impl Sealed {
    /// Starts a server, with a plug-in that takes secrets.
    pub async fn start() -> Result<Self> {
        Self::on(TestSystem::start().await?).await
    }

    /// The same, by a clock of the test.
    pub async fn start_at(moment: &str) -> Result<(Self, TestClock)> {
        let folder = folder()?;
        let clock = TestClock::new(folder.path())?;
        clock.set(moment.parse()?)?;
        let system = TestSystem::start_in(folder, &[clock.environment()]).await?;
        Ok((Self::on(system).await?, clock))
    }

    async fn on(system: TestSystem) -> Result<Self> {
        // Written nowhere else, so that what is found is found because it leaked.
        let unique = format!(
            "{:?}{}",
            std::time::Instant::now(),
            system.folder().display()
        );
        let digest = Digest::of(unique).to_string();
        let random = digest.get(10..40).context("a digest is longer")?;
        let release = changing_release(&system, "1.0.0 secrets").await?;
        let installed = system.client.plugin_upload(release).await?;
        ensure!(installed.status.is_success(), "{}", installed.text());
        Ok(Self {
            proxy: format!("Pr0xy&{random}%é"),
            token: format!("T0ken*{random}"),
            system,
        })
    }

    /// Puts both into the vault, as an administrator would.
    pub async fn fill(&self) -> Result<()> {
        for (name, value) in [("proxy", &self.proxy), ("token", &self.token)] {
            let set = ["secret", "set", name];
            self.system
                .muster_fed(&set, &format!("{value}\n"))
                .await?
                .ok()?;
        }
        Ok(())
    }

    /// The values, to look for them.
    pub fn needles(&self) -> [Needles; 2] {
        [Needles::of(&self.proxy), Needles::of(&self.token)]
    }

    /// Nothing that server, agents and command line wrote holds one of the values.
    pub fn nowhere_in_files(&self) -> Result<()> {
        for needles in self.needles() {
            let found = needles.files(self.system.folder())?;
            ensure!(found.is_empty(), "a secret was written down: {found:?}");
        }
        Ok(())
    }

    /// A task for all devices that needs both.
    pub fn task(&self, name: &str) -> TaskCreate {
        task(name, CHANGING, "sweep", with_secrets())
    }

    /// The same, created.
    pub async fn task_created(&self, name: &str) -> Result<TaskView> {
        self.system.client.task_create(&self.task(name)).await
    }
}

/// Settings that name both.
pub fn with_secrets() -> Value {
    json!({"folder": "/srv", "password": {"secret": "proxy"}, "token": {"secret": "token"}})
}

/// A device for it.
#[derive(Debug)]
pub struct Teller {
    /// Its agent.
    pub agent: Agent,
    folder: PathBuf,
}

impl Teller {
    /// Enrolls it, and starts its agent.
    pub async fn start(sealed: &Sealed, name: &str) -> Result<Self> {
        let mut device = Self::enroll(sealed, name).await?;
        device.agent.start(&[])?;
        sealed.system.client.device_online(name).await?;
        Ok(device)
    }

    /// Enrolls it.
    pub async fn enroll(sealed: &Sealed, name: &str) -> Result<Self> {
        let agent = sealed.system.agent(name, None).await?;
        let folder = sealed.system.folder().join(format!("device-{name}"));
        std::fs::create_dir_all(&folder).context("no folder for the device")?;
        let program = folder.join("sweep.sh");
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo 'Sweep 3.0.0'; exit; }}\ncd '{}' || exit 99\n{SAYS_IT_ALL}",
            folder.display()
        );
        std::fs::write(&program, text)
            .and_then(|()| {
                std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))
            })
            .with_context(|| format!("cannot write {}", program.display()))?;
        let version = ("sweep", r"Sweep (\S+)");
        let programs = [("sweep", program.clone())];
        agent.connector(
            "sweep",
            &connector(CHANGING, &program, version, ALWAYS, &programs),
        )?;
        Ok(Self { agent, folder })
    }

    /// Lets its program wait when it has said all.
    pub fn hold(&self) -> Result<()> {
        std::fs::write(self.folder.join("hold"), "").context("cannot hold the program")
    }

    /// Lets it end.
    pub fn go_on(&self) -> Result<()> {
        std::fs::remove_file(self.folder.join("hold")).context("cannot let the program go on")
    }

    /// Waits until its program has said all.
    pub async fn begun(&self) -> Result<()> {
        let begun = self.folder.join("begun");
        until("the program to begin", async || {
            Ok(begun.exists().then_some(()))
        })
        .await
    }

    /// Its program got the values, so many times.
    pub fn got(&self, sealed: &Sealed, times: usize) -> Result<()> {
        let got = std::fs::read_to_string(self.folder.join("got")).unwrap_or_default();
        let digest = |value: &str| Digest::of(value).to_string().replace("sha256:", "");
        let once = format!("{}\n{}\n", digest(&sealed.proxy), digest(&sealed.token));
        ensure!(
            got == once.repeat(times),
            "it got something else:\n{got}{once}"
        );
        Ok(())
    }

    /// How many times its program ended.
    pub fn ended(&self) -> usize {
        let done = std::fs::read_to_string(self.folder.join("done")).unwrap_or_default();
        done.lines().count()
    }
}
