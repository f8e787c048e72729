//! `muster`: what administrators type.
//!
//! It speaks to the server's REST interface alone ([`client`]), as any other program could. Each
//! noun has a file in [`command`]; [`watch`] follows a run, [`failure`] says how commands end.

mod client;
mod command;
mod credentials;
mod failure;
mod input;
mod output;
mod set;
mod sse;
mod time;
mod tls;
mod watch;

use clap::Parser as _;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let line = command::CommandLine::parse();
    let json = line.output == output::Format::Json;
    match command::run(line).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}
