//! The compiling child's side: limits on itself first, then component in, compiled code out.

use super::{CAGED, OPEN, REFUSED, attempt, cage};
use crate::engine;
use crate::gentle::write_gently;
use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use wasmtime::Engine;

/// Its priority, by which it gets a tenth of a processor that others want too.
const LESS: i32 = 10;

/// Its own limits, as the parent names them.
struct Limits {
    memory: u64,
    processor_seconds: u64,
    output: u64,
    caged: bool,
    /// Not to compile, but to try what the cage must not let through.
    attempts: bool,
}

/// What the compiling child does: reads a component from standard input, compiles it within the
/// limits that its arguments name, and writes the compiled code to standard output. `arguments`
/// are those after [`crate::Compiler::arguments`]: MiB of memory, seconds of processor time, bytes
/// of output, and `caged` or `open`. A fifth one, `attempt`, has it try what the cage is to refuse.
///
/// It is to be called before the program does anything else: the limits hold for the process.
pub fn compile_child_main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(limits) = Limits::read(arguments) else {
        say(
            "this command is called by the server itself, with limits in MiB, seconds and bytes, and `caged`",
        );
        return ExitCode::FAILURE;
    };
    if limits.attempts {
        let tried = limits
            .apply()
            .and_then(|()| limits.cage())
            .and_then(|()| attempt::all());
        return tried.map_or_else(
            |error| {
                say(&error.to_string());
                ExitCode::FAILURE
            },
            |()| ExitCode::SUCCESS,
        );
    }
    match limits.apply().and_then(|()| compile(&limits)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(refused)) => {
            say(&refused);
            ExitCode::from(REFUSED)
        }
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// To the parent, which reads at most a few KiB; if it does not read, nobody is to be told.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

impl Limits {
    fn read(arguments: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let words: Option<Vec<String>> = arguments
            .into_iter()
            .map(|word| word.into_string().ok())
            .collect();
        let words = words?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (memory, seconds, output, cage, attempts) = match words[..] {
            [memory, seconds, output, cage] => (memory, seconds, output, cage, false),
            [memory, seconds, output, cage, "attempt"] => (memory, seconds, output, cage, true),
            _ => return None,
        };
        Some(Self {
            memory: memory.parse::<u64>().ok()?.saturating_mul(1 << 20),
            processor_seconds: seconds.parse().ok()?,
            output: output.parse().ok()?,
            caged: match cage {
                CAGED => true,
                OPEN => false,
                _ => return None,
            },
            attempts,
        })
    }

    fn cage(&self) -> io::Result<()> {
        if self.caged { cage::close() } else { Ok(()) }
    }

    fn apply(&self) -> io::Result<()> {
        // Whoever waits for a compiler can wait; the server's other work goes first.
        setpriority_process(None, LESS)?;
        // At the hard limit of processor time the kernel kills without a word; a signal that says
        // so comes at the soft one.
        let hard_seconds = self.processor_seconds.saturating_add(2);
        for (resource, soft, hard) in [
            (Resource::As, self.memory, self.memory),
            (Resource::Cpu, self.processor_seconds, hard_seconds),
            (Resource::Fsize, self.output, self.output),
            (Resource::Core, 0, 0),
        ] {
            setrlimit(
                resource,
                Rlimit {
                    current: Some(soft),
                    maximum: Some(hard),
                },
            )?;
        }
        #[cfg(target_os = "linux")]
        rustix::thread::set_no_new_privs(true)?;
        Ok(())
    }
}

fn compile(limits: &Limits) -> io::Result<Result<(), String>> {
    let engine = Engine::new(&engine::shared_settings())
        .map_err(|error| io::Error::other(format!("{error:#}")))?;
    // From here on, what the process does may be what a component wants.
    limits.cage()?;
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component)?;
    match engine.precompile_component(&component) {
        Ok(compiled) => {
            let mut out = io::stdout().lock();
            write_gently(&mut out, &compiled)?;
            out.flush().map(Ok)
        }
        Err(error) => Ok(Err(format!("{error:#}"))),
    }
}
