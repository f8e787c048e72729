//! TLS towards registries: the roots of the operating system, or those that were given.

use super::RegistryError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;

/// For a registry without TLS nothing is trusted, as a redirect must not bring it in again.
pub(super) fn trusting(plain: bool, ca: Option<&str>) -> Result<ClientConfig, RegistryError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(RegistryError::Tls)?;
    if plain {
        return Ok(config
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth());
    }
    let Some(pem) = ca else {
        let verifier = Verifier::new(provider).map_err(RegistryError::Tls)?;
        return Ok(config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| RegistryError::Certificates)?;
        roots.add(certificate).map_err(RegistryError::Tls)?;
    }
    if roots.is_empty() {
        return Err(RegistryError::Certificates);
    }
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
