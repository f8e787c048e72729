//! What a plug-in of major version 1 may import, and what it gets for it.

use super::bindings::muster::plugin::{clock, data, files, log, random};
use crate::call::CallState;
use crate::capability::log::Level;
use muster_domain::grant::Capability;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker, LinkerInstance};
use wasmtime::{Engine, bail};

/// Bytes that a guest may ask for at once as "random" bytes.
const MOST_RANDOM: u64 = 64 << 10;

/// What a component may import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    /// Every plug-in may.
    ToAll,
    /// A plug-in that asks for it may, and gets it if it is granted.
    IfGranted(Capability),
}

/// Our interfaces that a component may import, with their functions and who may.
const INTERFACES: [(&str, Offered, &[&str]); 5] = [
    ("log", Offered::ToAll, &["log"]),
    ("data", Offered::ToAll, &["list-files", "read"]),
    (
        "files",
        Offered::IfGranted(Capability::Files),
        &["list-files", "read", "write", "remove", "usage"],
    ),
    ("clock", Offered::IfGranted(Capability::Clock), &["now"]),
    ("random", Offered::IfGranted(Capability::Random), &["bytes"]),
];

/// Our interface of this name, whatever its minor version.
fn interface(import: &str) -> Option<&'static (&'static str, Offered, &'static [&'static str])> {
    let (name, version) = import.strip_prefix("muster:plugin/")?.split_once('@')?;
    INTERFACES
        .iter()
        .find(|(ours, ..)| *ours == name && version.starts_with("1."))
}

/// Whether a component may import an instance of this name. `wasi:` is what compilers put into
/// every guest; what of it does anything is below.
pub(crate) fn offers(import: &str) -> Option<Offered> {
    if import.starts_with("muster:plugin/types@1.") || import.starts_with("wasi:") {
        return Some(Offered::ToAll);
    }
    interface(import).map(|(_, offered, _)| *offered)
}

impl log::Host for CallState {
    fn log(&mut self, level: log::LogLevel, text: String) {
        let level = match level {
            log::LogLevel::Debug => Level::Debug,
            log::LogLevel::Info => Level::Info,
            log::LogLevel::Warning => Level::Warning,
            log::LogLevel::Error => Level::Error,
        };
        self.log.write(level, &text);
    }
}

/// Links what a component imports. What it does not get traps when it is called, by name.
pub(crate) fn link(engine: &Engine, component: &Component) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    log::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    data::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    files::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    clock::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    random::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    for (name, import) in component.component_type().imports(engine) {
        if name.starts_with("wasi:") {
            link_wasi(name, &mut linker)?;
        } else if let Some((_, _, functions)) = interface(name) {
            check_known(engine, name, functions, &import.ty)?;
        }
    }
    linker.define_unknown_imports_as_traps(component)?;
    Ok(linker)
}

/// A function that a later minor version added would trap when it is called; better told now.
fn check_known(
    engine: &Engine,
    name: &str,
    functions: &[&str],
    import: &ComponentItem,
) -> wasmtime::Result<()> {
    let ComponentItem::ComponentInstance(instance) = import else {
        bail!("it imports {name} as something other than an interface");
    };
    for (function, item) in instance.exports(engine) {
        if matches!(item.ty, ComponentItem::ComponentFunc(_)) && !functions.contains(&function) {
            bail!(
                "it imports {name}#{function}, which this server does not have; it needs a newer server"
            );
        }
    }
    Ok(())
}

/// The few functions of WASI that guests call without their authors' knowledge: Python reads its
/// environment, Rust seeds its hash maps. The answers are the same in every call, so that the
/// same input gets the same answer.
fn link_wasi(name: &str, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    let interface = name.split('@').next().unwrap_or(name);
    let instance =
        |linker: &mut Linker<CallState>,
         link: fn(&mut LinkerInstance<'_, CallState>) -> wasmtime::Result<()>| {
            link(&mut linker.instance(name)?)
        };
    match interface {
        "wasi:cli/environment" => instance(linker, |wasi| {
            wasi.func_wrap("get-environment", |_, (): ()| {
                Ok((Vec::<(String, String)>::new(),))
            })?;
            wasi.func_wrap("get-arguments", |_, (): ()| Ok((Vec::<String>::new(),)))
        }),
        "wasi:random/random" => instance(linker, |wasi| {
            wasi.func_wrap("get-random-bytes", |_, (count,): (u64,)| {
                Ok((bytes(count)?,))
            })?;
            wasi.func_wrap("get-random-u64", |_, (): ()| Ok((SEED,)))
        }),
        "wasi:random/insecure" => instance(linker, |wasi| {
            wasi.func_wrap("get-insecure-random-bytes", |_, (count,): (u64,)| {
                Ok((bytes(count)?,))
            })?;
            wasi.func_wrap("get-insecure-random-u64", |_, (): ()| Ok((SEED,)))
        }),
        "wasi:random/insecure-seed" => instance(linker, |wasi| {
            wasi.func_wrap("insecure-seed", |_, (): ()| Ok(((SEED, SEED),)))
        }),
        _ => Ok(()),
    }
}

/// Any number will do that is not all zeros, which a generator may not be able to leave.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

fn bytes(count: u64) -> wasmtime::Result<Vec<u8>> {
    if count > MOST_RANDOM {
        bail!("it asked for {count} random bytes at once; at most {MOST_RANDOM} are given");
    }
    Ok(SEED
        .to_le_bytes()
        .into_iter()
        .cycle()
        .take(usize::try_from(count)?)
        .collect())
}
