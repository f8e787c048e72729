//! Releases in OCI registries, named `oci://registry/name:tag@sha256:…`.
//!
//! A release is one artifact, in the CNCF's layout for wasm: the component is the first layer, and
//! what its signer states, the signatures and the trust reference are layers behind it ([`artifact`]).
//! So one digest pins them all, and a registry needs nothing newer than manifests. A registry that
//! refuses the types of wasm gets the bundle as an image of one tar layer.
//!
//! A registry is as hostile as what lies in it. It gets the credentials that were given for it and
//! no others; sizes are bounded while they are read; a redirect to another place is followed for
//! blobs alone and without credentials; what comes is compared with its digest.

mod artifact;
mod auth;
mod credentials;
mod error;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod pull;
mod push;
mod reference;
mod session;
mod tls;

pub use artifact::Layout;
pub use credentials::{Credentials, CredentialsError};
pub use error::RegistryError;
pub use pull::Pulled;
pub use push::Pushed;
pub use reference::{Reference, ReferenceError};

use std::time::Duration;

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Without a byte for so long, a registry is given up.
const READ_TIME: Duration = Duration::from_secs(30);

/// How registries are reached.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who asks.
    pub credentials: Credentials,
    /// Certificates in PEM, trusted instead of those of the operating system.
    pub ca: Option<String>,
    /// Registries, as `host:port`, that are reached without TLS. Those on this machine are, unless
    /// `ca` is given.
    pub plain: Vec<String>,
    /// The greatest component, in bytes.
    pub component_most: usize,
    /// For a whole pull or push.
    pub time: Duration,
}

/// A client for registries.
#[derive(Debug, Clone)]
pub struct Registry {
    config: Config,
}

impl Registry {
    /// Makes a client. Nothing is sent and nothing is read yet.
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    /// Whether TLS is left out for a registry.
    fn is_plain(&self, registry: &str) -> bool {
        self.config.plain.iter().any(|plain| plain == registry)
            || (self.config.ca.is_none() && reference::is_loopback(registry))
    }

    fn http(&self, plain: bool) -> Result<reqwest::Client, RegistryError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::trusting(plain, self.config.ca.as_deref())?)
            .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIME)
            .read_timeout(READ_TIME);
        // What goes without TLS goes nowhere but to where it is addressed.
        let http = if plain { http.no_proxy() } else { http };
        http.build().map_err(RegistryError::Setup)
    }
}
