//! `compat keep 0.1.0` builds what is kept of a release; the tests use this program as the child that
//! compiles components.

use anyhow::{Context, Result, bail};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let keep = arguments.next_if(|word| word == "keep").is_some();
    if !keep {
        return muster_plugin_host::compile_child_main(arguments);
    }
    let version = arguments.next().unwrap_or_default();
    match self::keep(&version.to_string_lossy()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn keep(version: &str) -> Result<()> {
    let release = muster_test_compat::workspace().join("tests/compat/released");
    let release = release.join(version);
    for name in ["hello", "migrating"] {
        let component = release.join(name).with_extension("wasm");
        if component.exists() {
            bail!(
                "{} is kept already; a released component never changes",
                component.display()
            );
        }
        let manifest = release.join(name).join("Cargo.toml");
        let package = format!("compat-{name}");
        let bytes = muster_test_compat::build(&manifest, &package, "release")?;
        std::fs::write(&component, &bytes)
            .with_context(|| format!("cannot write {}", component.display()))?;
        println!("{} {} bytes", component.display(), bytes.len());
    }
    Ok(())
}
