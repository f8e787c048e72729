//! A server without its network edge.

use anyhow::{Context as _, Result};
use muster_agent_protocol::order::OrderKey;
use muster_app::install::InstallOptions;
use muster_app::vault::VaultKey;
use muster_app::wake::Waking;
use muster_app::{Administrator, App, Foundation, Registries};
use muster_domain::grant::Words;
use muster_domain::origin::Client;
use muster_plugin_host::{Compiler, Config, Folders, PluginHost};
use muster_release::bundle::Bundle;
use muster_release::trust::Policy;
use muster_storage::Storage;
use muster_test_harness::Programs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// A server's work on a folder.
pub struct Server {
    /// What it does.
    pub app: App,
    /// What it keeps.
    pub storage: Storage,
    key: Vec<u8>,
    vault: String,
    folder: TempDir,
}

impl Server {
    /// Starts it with ClamAV's plug-in.
    pub async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let key = OrderKey::generate().ok().context("no key")?;
        let vault = VaultKey::generate()?.to_string();
        let (app, storage) = open(folder.path(), &key, &vault).await?;
        let who = administrator();
        app.trust_policy_set(&who, Policy::Dev).await?;
        let component = std::fs::read(Programs::find()?.plugin("clamav")?)?;
        let said = Words::default();
        app.plugin_install(
            &who,
            Bundle::bare(component),
            said,
            InstallOptions::default(),
        )
        .await?;
        Ok(Self {
            app,
            storage,
            key,
            vault,
            folder,
        })
    }

    /// Stops it, between any two of its steps, and starts it again on what it kept.
    pub async fn restart(&mut self) -> Result<()> {
        self.app.stop().await;
        let (app, storage) = open(self.folder.path(), &self.key, &self.vault).await?;
        self.app = app;
        self.storage = storage;
        Ok(())
    }
}

/// Who administers.
pub(crate) fn administrator() -> Administrator {
    Administrator {
        name: "anna".into(),
        client: Client::default(),
        comment: None,
    }
}

async fn open(folder: &Path, key: &[u8], vault: &str) -> Result<(App, Storage)> {
    let compiler = Compiler {
        program: Programs::find()?.server,
        arguments: vec!["compile-component".into()],
    };
    let folders = Folders {
        private: folder.join("private"),
        files: folder.join("files"),
    };
    let storage = Storage::open(&folder.join("muster.db")).await?;
    let app = App::start(Foundation {
        storage: storage.clone(),
        plugin_host: PluginHost::start(Config::default(), folders, compiler)?,
        components: folder.join("components"),
        registries: Registries::default(),
        keep_revisions: 3,
        probe_after: Duration::from_hours(1),
        safe_mode: false,
        outbreak: Vec::new(),
        waking: Waking { port: 9, to: None },
        vault_key: VaultKey::parse(vault.as_bytes())?,
        order_key: OrderKey::from_pkcs8(key).ok().context("no key")?,
    })
    .await?;
    Ok((app, storage))
}
