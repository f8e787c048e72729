//! `muster-server`: the Administration Server.

use anyhow::{Context as _, Result};
use clap::Parser as _;
use muster_plugin_host::Compiler;
use muster_server::arguments::Arguments;
use muster_server::{Config, Server, config, log};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The program is started again with this word to compile a component, apart from the server.
#[cfg(feature = "compiler")]
const COMPILE: &str = "compile-component";
/// What compiles components for a server that cannot; it lies beside it.
#[cfg(not(feature = "compiler"))]
const COMPILER: &str = "muster-compiler";

/// Gives back to the system what a burst of requests or a hostile plug-in took: `docs/decisions/0022`.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    #[cfg(feature = "compiler")]
    {
        let mut words = std::env::args_os().skip(1);
        if words.next().is_some_and(|word| word == COMPILE) {
            return muster_plugin_host::compile_child_main(words);
        }
    }
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("muster-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compiler() -> Result<Compiler> {
    let this = std::env::current_exe().context("cannot tell where this program lies")?;
    #[cfg(feature = "compiler")]
    let compiler = Compiler {
        program: this,
        arguments: vec![COMPILE.into()],
    };
    #[cfg(not(feature = "compiler"))]
    let compiler = Compiler {
        program: this.with_file_name(COMPILER),
        arguments: Vec::new(),
    };
    #[cfg(not(feature = "compiler"))]
    if !compiler.program.is_file() {
        tracing::warn!(program = %compiler.program.display(), "this server was built without a compiler, and \
            the program that compiles plug-ins for it is not there; those that are compiled already work");
    }
    Ok(compiler)
}

fn run(arguments: Arguments) -> Result<()> {
    if arguments.print_config {
        print!("{}", config::DEFAULTS);
        return Ok(());
    }
    let data = arguments.data.context("--data is missing")?;
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut config = Config::read(arguments.config.as_deref(), environment)?;
    config.listen = arguments.listen.unwrap_or(config.listen);
    config.safe_mode |= arguments.safe_mode;
    log::start(&config.log)?;
    if arguments.rotate_vault_key {
        return rotate_vault_key(&data, &config);
    }
    raise_file_limit();
    let compiler = compiler()?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the threads of the server")?
        .block_on(async {
            let mut stop = Stop::listen().context("cannot listen for signals")?;
            let mut server = Server::start(&data, config, compiler).await?;
            tell(&mut server)?;
            stop.asked().await;
            tokio::select! {
                () = server.stop() => Ok(()),
                () = stop.asked() => anyhow::bail!("ended at once by a second signal"),
            }
        })
}

/// Each link and each request is a file.
fn rotate_vault_key(data: &Path, config: &Config) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let rotate = muster_server::vault::rotate(data, config);
    let count = runtime.context("cannot start a thread")?.block_on(rotate)?;
    println!("The vault has another key; {count} secrets were sealed with it.");
    Ok(())
}

fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// Programs read these lines.
fn tell(server: &mut Server) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let told = "cannot write to standard output";
    writeln!(out, "listening on https://{}", server.address()).context(told)?;
    let token = server.take_first_token();
    if let Some(token) = &token {
        writeln!(out, "administrator token: {}", token.text()).context(told)?;
    }
    writeln!(out, "CA fingerprint: {}", server.fingerprint()).context(told)?;
    out.flush().context(told)?;
    if let Some(token) = token {
        token.told()?;
    }
    Ok(())
}

struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
