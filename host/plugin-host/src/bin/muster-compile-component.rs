//! The compiling child alone, for whoever has no program with a hidden subcommand for it: the
//! tests of this crate, the harness for plug-in authors.

use std::process::ExitCode;

fn main() -> ExitCode {
    muster_plugin_host::compile_child_main(std::env::args_os().skip(1))
}
