//! The programs under test.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What guests are built for.
const WASM: &str = "wasm32-wasip2";

/// Paths of the three programs, and of the components that were built.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `muster-server`
    pub server: PathBuf,
    /// `muster-agent`
    pub agent: PathBuf,
    /// `muster`
    pub cli: PathBuf,
    target: PathBuf,
}

impl Programs {
    /// Finds them where cargo puts them: beside the running test, in the same profile's folder.
    pub fn find() -> Result<Self> {
        let test = std::env::current_exe().context("cannot tell where this test lies")?;
        // …/target/debug/deps/test-0123, or …/target/debug/program
        let profile = test
            .ancestors()
            .skip(1)
            .find(|folder| folder.file_name().is_none_or(|name| name != "deps"))
            .with_context(|| format!("{} lies in no target folder", test.display()))?;
        let program = |name: &str| -> Result<PathBuf> {
            let path = profile.join(name);
            if !path.is_file() {
                bail!(
                    "the program {} is not built; run `cargo xtask test`, which builds everything that tests start",
                    path.display()
                );
            }
            Ok(path)
        };
        Ok(Self {
            server: program("muster-server")?,
            agent: program("muster-agent")?,
            cli: program("muster")?,
            target: profile.parent().map(Path::to_owned).unwrap_or_default(),
        })
    }

    /// The component of a management plug-in by its folder in `plugins/`, such as `clamav`.
    pub fn plugin(&self, name: &str) -> Result<PathBuf> {
        let path = self
            .target
            .join("plugins")
            .join(name)
            .with_extension("wasm");
        if !path.is_file() {
            bail!(
                "the plug-in {} is not built; run `cargo xtask plugins`",
                path.display()
            );
        }
        Ok(path)
    }

    /// The component of `tests/languages` that is written in a language, such as `python`.
    pub fn language(&self, name: &str) -> Result<PathBuf> {
        let path = self.target.join("tests/languages").join(name);
        let path = path.with_extension("wasm");
        if !path.is_file() {
            bail!("{} is not built; run `cargo xtask plugins`", path.display());
        }
        Ok(path)
    }

    /// The component of a guest that only tests install, by its crate's name. Cargo builds it, in a
    /// folder of its own, and does nothing if it is built already.
    pub fn guest(&self, package: &str) -> Result<Vec<u8>> {
        let target = self.target.join("debug/guests");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", package, "--lib"])
            .args(["--target", WASM, "--profile", "guest", "--target-dir"])
            .arg(&target)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .status()
            .context("cannot start cargo")?;
        if !status.success() {
            bail!("{package} cannot be built; `cargo xtask test` adds the target {WASM}");
        }
        let file = format!("{}.wasm", package.replace('-', "_"));
        let path = target.join(WASM).join("guest").join(file);
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}
