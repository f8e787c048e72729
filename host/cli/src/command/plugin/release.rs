//! Plug-ins as files and in registries: what their vendors do with them, without a server.

mod bundle;
pub(crate) mod files;
pub(crate) mod key;
mod keygen;
mod password;
pub(crate) mod registry;
mod sign;
pub(crate) mod signers;
mod verify;

use crate::command::help;
use crate::failure::Failure;
use crate::output::Output;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Release {
    /// Make a key to sign plug-ins with: FILE, which is secret, and FILE.pub
    #[command(after_help = help::KEYGEN)]
    Keygen(keygen::Keygen),
    /// Sign a plug-in: write FILE.statement.json, and FILE.minisig with the signature over it
    #[command(after_help = help::SIGN)]
    Sign(sign::Sign),
    /// Pack a plug-in, what was signed of it and its signatures into one file
    #[command(after_help = help::BUNDLE)]
    Bundle(bundle::Pack),
    /// Verify a plug-in's signatures, without a server and without a network
    #[command(after_help = help::VERIFY)]
    Verify(verify::Verify),
    /// Push a plug-in to an OCI registry
    #[command(after_help = help::PUSH)]
    Push(registry::Push),
    /// Pull a plug-in from an OCI registry, into a bundle
    #[command(after_help = help::PULL)]
    Pull(registry::Pull),
}

impl Release {
    pub(crate) async fn run(self, out: &Output) -> Result<(), Failure> {
        match self {
            Self::Keygen(keygen) => keygen.run(out),
            Self::Sign(sign) => sign.run(out),
            Self::Bundle(pack) => pack.run(out),
            Self::Verify(verify) => verify.run(out),
            Self::Push(push) => push.run(out).await,
            Self::Pull(pull) => pull.run(out).await,
        }
    }
}
