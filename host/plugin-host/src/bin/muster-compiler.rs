//! `muster-compiler`: the compiling child alone, for a server that is built without a compiler and
//! for tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    muster_plugin_host::compile_child_main(std::env::args_os().skip(1))
}
