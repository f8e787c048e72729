//! What a compiler that was taken over would try, tried on purpose: the child's own test of its cage.
//!
//! `compile_child_main` comes here when it is told to; it then compiles nothing. Each attempt is one
//! line: its name, and what came of it.

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};
use rustix::net::{AddressFamily, SocketType};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

type Attempt = (&'static str, fn() -> io::Result<()>);

const ATTEMPTS: [Attempt; 16] = [
    ("socket-internet", || socket(AddressFamily::INET)),
    ("socket-local", || socket(AddressFamily::UNIX)),
    ("open-to-read", || open("/etc/passwd", OFlags::RDONLY)),
    ("open-own-memory", || open("/proc/self/mem", OFlags::RDWR)),
    ("open-folder", || open("/", OFlags::DIRECTORY)),
    ("make-file", || {
        open("/tmp", OFlags::TMPFILE | OFlags::WRONLY)
    }),
    ("memory-file", || {
        Ok(rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::empty()).map(drop)?)
    }),
    ("rename", || renamed("/nowhere/a", "/nowhere/b")),
    ("unlink", || missing(rustix::fs::unlink("/nowhere/a"))),
    ("pipe", || Ok(rustix::pipe::pipe().map(drop)?)),
    ("duplicate", || Ok(rustix::io::dup(io::stdin()).map(drop)?)),
    ("fork-and-exec", || {
        Command::new("/proc/self/exe")
            .arg("none")
            .output()
            .map(drop)
    }),
    ("signal", || {
        Ok(rustix::process::test_kill_process(
            rustix::process::getpid(),
        )?)
    }),
    ("limits", || {
        let none = rustix::process::Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        Ok(rustix::process::setrlimit(
            rustix::process::Resource::Core,
            none,
        )?)
    }),
    ("memory-to-run", || map(ProtFlags::READ | ProtFlags::EXEC)),
    // Last: if it works, this process is another one afterwards.
    ("exec", || {
        Err(Command::new("/bin/sh")
            .args(["-c", "echo exec: done"])
            .exec())
    }),
];

/// What the child needs for its work, which the cage must leave it.
const NEEDS: [Attempt; 3] = [
    ("thread", || {
        let thread = std::thread::Builder::new().spawn(|| ())?;
        thread.join().map_err(|_| io::Error::other("it panicked"))
    }),
    ("memory", || map(ProtFlags::READ | ProtFlags::WRITE)),
    ("time", || {
        std::thread::sleep(std::time::Duration::from_nanos(1));
        Ok(())
    }),
];

/// Tries everything, and tells it on standard output.
pub(super) fn all() -> io::Result<()> {
    for (name, attempt) in NEEDS.into_iter().chain(ATTEMPTS) {
        let came = match attempt() {
            Ok(()) => "done".to_owned(),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => "refused".to_owned(),
            Err(error) => format!("failed ({error})"),
        };
        writeln!(io::stdout(), "{name}: {came}")?;
        io::stdout().flush()?;
    }
    Ok(())
}

fn socket(family: AddressFamily) -> io::Result<()> {
    Ok(rustix::net::socket(family, SocketType::STREAM, None).map(drop)?)
}

fn open(path: &str, flags: OFlags) -> io::Result<()> {
    Ok(rustix::fs::openat(CWD, path, flags, Mode::RUSR).map(drop)?)
}

fn renamed(from: &str, to: &str) -> io::Result<()> {
    missing(rustix::fs::rename(from, to))
}

/// The call itself was let through if the system looked for what is not there.
fn missing(called: Result<(), Errno>) -> io::Result<()> {
    match called {
        Err(Errno::NOENT) => Ok(()),
        called => Ok(called?),
    }
}

fn map(protection: ProtFlags) -> io::Result<()> {
    #[expect(
        unsafe_code,
        reason = "a fresh page at a place of the system's choice, which nobody looks at, disturbs nothing"
    )]
    let mapped = unsafe {
        rustix::mm::mmap_anonymous(std::ptr::null_mut(), 4096, protection, MapFlags::PRIVATE)
    };
    Ok(mapped.map(drop)?)
}
