//! TLS: which certificate is shown to whom, and which client certificates are taken.
//!
//! A client may show a certificate of our CA; what it opens is decided by the link alone. Names of a
//! given certificate get that one; everybody else gets the one of our own CA, by which agents and
//! the command line know the server.

use crate::authority::{Authority, Identity};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{
    ClientHello, ParsedCertificate, ResolvesServerCert, ServerConfig, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, server::VerifierBuilderError};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A given certificate or key cannot be read.
    #[error("cannot read {what} from {}", file.display())]
    Given {
        /// `the certificate` or `the key`.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: rustls::pki_types::pem::Error,
    },
    /// The file holds no certificate.
    #[error("{} holds no certificate in PEM", .0.display())]
    Empty(PathBuf),
    /// Certificate and key cannot be used.
    #[error("{what} cannot be used")]
    Unusable {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        cause: rustls::Error,
    },
    /// The CA's certificate cannot be used for devices.
    #[error("the CA's certificate cannot be used to check those of devices")]
    Verifier(#[from] VerifierBuilderError),
}

/// Reads a given certificate chain and its key.
pub(crate) fn given(certificate: &Path, key: &Path) -> Result<Identity, TlsError> {
    let read = |what, file: &Path| {
        let file = file.to_owned();
        move |cause| TlsError::Given { what, file, cause }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(read("the certificate", certificate))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(certificate.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(read("the key", key))?;
    Ok(Identity { chain, key })
}

/// The server's side of TLS.
pub(crate) fn server(
    authority: &Authority,
    own: Identity,
    given: Option<Identity>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable = |what| move |cause| TlsError::Unusable { what, cause };
    let mut roots = RootCertStore::empty();
    roots
        .add(authority.certificate().clone())
        .map_err(unusable("the CA's certificate"))?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()?;
    let shown = Shown {
        own: certified(&provider, own).map_err(unusable("the server's certificate"))?,
        given: given
            .map(|given| certified(&provider, given))
            .transpose()
            .map_err(unusable("the given certificate (tls.certificate, tls.key)"))?,
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable("the TLS provider"))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(shown));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // One ticket for a resumption is enough, and each costs a write in every handshake.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

fn certified(
    provider: &CryptoProvider,
    identity: Identity,
) -> Result<Arc<CertifiedKey>, rustls::Error> {
    CertifiedKey::from_der(identity.chain, identity.key, provider).map(Arc::new)
}

#[derive(Debug)]
struct Shown {
    own: Arc<CertifiedKey>,
    given: Option<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let given = self.given.as_ref().filter(|given| {
            let asked = hello
                .server_name()
                .and_then(|name| ServerName::try_from(name).ok());
            let leaf = given
                .end_entity_cert()
                .ok()
                .and_then(|der| ParsedCertificate::try_from(der).ok());
            asked
                .zip(leaf)
                .is_some_and(|(name, leaf)| verify_server_name(&leaf, &name).is_ok())
        });
        Some(Arc::clone(given.unwrap_or(&self.own)))
    }
}

/// The host names and addresses that a certificate is for.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> BTreeSet<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return BTreeSet::new();
    };
    let Ok(Some(names)) = parsed.subject_alternative_name() else {
        return BTreeSet::new();
    };
    let names = names.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => match bytes.len() {
                4 => <[u8; 4]>::try_from(*bytes)
                    .ok()
                    .map(|bytes| IpAddr::from(bytes).to_string()),
                _ => <[u8; 16]>::try_from(*bytes)
                    .ok()
                    .map(|bytes| IpAddr::from(bytes).to_string()),
            },
            _ => None,
        })
        .collect()
}
