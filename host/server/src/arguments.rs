//! The command line of `muster-server`.

use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;

const MORE: &str = "\
A first start on an empty folder makes everything that the server needs: its certificate authority
and keys, its database, and a token for the administrator, which is printed once. A second start on
the same folder carries on where the first ended. One server at a time can use a folder.

Standard output holds two or three lines, for people and programs; logs go to standard error:
  listening on https://127.0.0.1:8443
  administrator token: muster-admin-…          (at the first start alone)
  CA fingerprint: sha256:…

Then, on the administrator's machine:
  muster login https://127.0.0.1:8443          asks for the token, and compares the fingerprint
  muster plugin install clamav.wasm            installs a management plug-in
  muster device enroll-token                   makes a token that enrolls one device

The data folder, to be backed up as a whole while the server is stopped:
  muster.db     what the server knows
  keys/         its certificate authority and keys; devices know the server by them, and secrets
                are sealed with one of them (vault.key)
  components/   the plug-ins' components, by digest
  compiled/     what was compiled from them; can be made again

Environment:
  MUSTER_LOG         what is logged, such as info,muster_app=debug
  MUSTER_SERVER_…    any setting of the configuration, such as MUSTER_SERVER_PLUG_INS_MEMORY=128

SIGTERM or SIGINT stops the server when requests under way are answered; a second one ends it at
once, which loses nothing that was acknowledged.";

/// The Administration Server of Muster.
#[derive(Debug, Parser)]
#[command(name = "muster-server", version, after_long_help = MORE)]
pub struct Arguments {
    /// The folder that everything is kept in; made if it is missing
    #[arg(long, value_name = "FOLDER", required_unless_present = "print_config")]
    pub data: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// A configuration file; it needs only what is to differ from the defaults
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Load no plug-in, so that one that keeps the server from working can be removed or rolled back
    #[arg(long)]
    pub safe_mode: bool,
    /// Exchange the key of the vault for a new one, seal every secret with that, and end. The server
    /// must be stopped
    #[arg(long, conflicts_with_all = ["listen", "safe_mode"])]
    pub rotate_vault_key: bool,
    /// Print all settings with their defaults and explanations, and end
    #[arg(long)]
    pub print_config: bool,
}
