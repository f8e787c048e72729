//! TLS: how the agent tells its server from others, and shows who it is itself.
//!
//! Two configurations: for enrollment the CA is known by its digest, from the token; for the link
//! it is known by its certificate, and the device shows its own.

use crate::identity::Identity;
use muster_domain::Digest;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate or key that cannot be read.
    #[error("the {what} is not valid PEM")]
    Pem {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        cause: rustls::pki_types::pem::Error,
    },
    /// They do not fit each other.
    #[error("certificate and key cannot be used")]
    Unusable(#[source] Error),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The first certificate of a PEM text.
pub(crate) fn certificate(pem: &str) -> Result<CertificateDer<'static>, TlsError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|cause| TlsError::Pem {
        what: "certificate",
        cause,
    })
}

/// For the link: the server's certificate is from the CA of the enrollment, ours is shown.
pub(crate) fn link(identity: &Identity) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots
        .add(certificate(&identity.ca)?)
        .map_err(TlsError::Unusable)?;
    let key =
        PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(|cause| TlsError::Pem {
            what: "private key",
            cause,
        })?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate(&identity.certificate)?], key)
        .map_err(TlsError::Unusable)?;
    // An agent has one server; the default keeps room for hundreds.
    config.resumption = Resumption::in_memory_sessions(1);
    Ok(Arc::new(config))
}

/// For enrollment: the server shows the CA certificate of this digest, and one from it.
pub(crate) fn enrollment(ca: Digest) -> Result<ClientConfig, TlsError> {
    let provider = provider();
    let verifier = Arc::new(KnownByDigest {
        ca,
        provider: provider.clone(),
    });
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

#[derive(Debug)]
struct KnownByDigest {
    ca: Digest,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for KnownByDigest {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let ca = intermediates.iter().find(|certificate| Digest::of(certificate) == self.ca).ok_or_else(|| {
            Error::General(format!(
                "this is not the server that the token is for: it shows no CA certificate with the digest {}",
                self.ca.short()
            ))
        })?;
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone().into_owned())?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|cause| Error::General(cause.to_string()))?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
