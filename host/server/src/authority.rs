//! The server's own certificate authority: made at the first start, kept for ten years.
//!
//! It certifies the server itself and its devices. Its keys lie in `keys/`, readable by the
//! server's user alone; who has them is the server, so they belong into every backup.

use crate::folder::{self, DataFolder, FolderError};
use muster_agent_protocol::order::{InvalidKey, OrderKey};
use muster_domain::{DeviceId, Digest};
use rand::Rng as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
    SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::prelude::{FromDer as _, X509Certificate};

const DAY: Duration = Duration::from_hours(24);
const CA_DAYS: u32 = 3652;
const SERVER_DAYS: u32 = 730;
const DEVICE_DAYS: u32 = 730;
/// A server certificate is made anew at a start when it has less left: a server runs for months.
const RENEW_WITHIN: Duration = Duration::from_hours(24 * 180);
/// Clocks of devices may be behind.
const BACKDATED: Duration = Duration::from_hours(24);

const CA: &str = "ca.pem";
const CA_KEY: &str = "ca.key.pem";
const SERVER: &str = "server.pem";
const SERVER_KEY: &str = "server.key.pem";
const ORDER_KEY: &str = "order.key";

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A key is gone, and devices know the server by it.
    #[error(
        "keys/{0} is missing from the data folder, and devices know this server by it; put it back from a backup"
    )]
    Missing(&'static str),
    /// A file in `keys/` is damaged.
    #[error("keys/{file} in the data folder cannot be used; put it back from a backup")]
    Damaged {
        /// The file.
        file: &'static str,
        /// What is wrong with it.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A name for the server's certificate that is none.
    #[error("{0:?} in tls.names is no host name and no address")]
    Name(String),
    /// A certificate cannot be made.
    #[error("cannot make {what}")]
    Make {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        cause: rcgen::Error,
    },
    /// The key for orders cannot be made.
    #[error("cannot make the key for orders")]
    OrderKey(#[from] InvalidKey),
    /// The files cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// A certificate signing request that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the certificate signing request cannot be used: {0}")]
pub(crate) struct InvalidRequest(String);

/// The certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate chain and its key.
pub(crate) struct Identity {
    /// Leaf first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub(crate) key: PrivateKeyDer<'static>,
}

/// A signing request whose signature holds.
pub(crate) struct Request(CertificateSigningRequestParams);

impl Request {
    /// Reads a request in PEM; whoever wrote it has the key, or this fails.
    pub(crate) fn read(pem: &str) -> Result<Self, InvalidRequest> {
        let invalid = |cause: rcgen::Error| InvalidRequest(cause.to_string());
        CertificateSigningRequestParams::from_pem(pem)
            .map(Self)
            .map_err(invalid)
    }

    /// Digest of its public key.
    pub(crate) fn key(&self) -> Digest {
        Digest::of(self.0.public_key.subject_public_key_info())
    }
}

impl Authority {
    /// Reads the authority from a data folder; makes it if the folder is `fresh`.
    pub(crate) fn open(folder: &DataFolder, fresh: bool) -> Result<Self, AuthorityError> {
        let (key, certificate) = (
            folder::read(&folder.key(CA_KEY))?,
            folder::read(&folder.key(CA))?,
        );
        match (key, certificate) {
            (Some(key), Some(certificate)) => {
                Self::from_pem(&text(CA_KEY, key)?, text(CA, certificate)?)
            }
            // A first start that was cut short may have left one of them.
            _ if fresh => Self::make(folder),
            (None, _) => Err(AuthorityError::Missing(CA_KEY)),
            (_, None) => Err(AuthorityError::Missing(CA)),
        }
    }

    fn make(folder: &DataFolder) -> Result<Self, AuthorityError> {
        let make = |cause| AuthorityError::Make {
            what: "the CA certificate",
            cause,
        };
        let key = KeyPair::generate().map_err(make)?;
        let name = format!("Muster CA {:08x}", rand::rng().next_u32());
        let mut parameters = parameters(&name, CA_DAYS);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = parameters.self_signed(&key).map_err(make)?;
        folder::write(&folder.key(CA_KEY), key.serialize_pem().as_bytes())?;
        folder::write(&folder.key(CA), certificate.pem().as_bytes())?;
        Self::from_pem(&key.serialize_pem(), certificate.pem())
    }

    fn from_pem(key: &str, pem: String) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(key).map_err(|cause| damaged(CA_KEY, cause))?;
        let certificate =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|cause| damaged(CA, cause))?;
        let issuer =
            Issuer::from_ca_cert_der(&certificate, key).map_err(|cause| damaged(CA, cause))?;
        if public_key(&certificate).as_deref() != Some(&issuer.key().subject_public_key_info()) {
            return Err(damaged(CA_KEY, "it is not the key of keys/ca.pem"));
        }
        Ok(Self {
            issuer,
            certificate,
            pem,
        })
    }

    /// The CA's certificate, DER.
    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The CA's certificate, PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Digest of the CA's certificate: what people compare.
    pub(crate) fn fingerprint(&self) -> Digest {
        Digest::of(&self.certificate)
    }

    /// The server's own certificate, for these names and addresses. The one that lies in the folder
    /// is taken if it is for the same ones, is this CA's, and is not near its end.
    pub(crate) fn server(
        &self,
        folder: &DataFolder,
        names: &BTreeSet<String>,
    ) -> Result<Identity, AuthorityError> {
        let kept = (
            folder::read(&folder.key(SERVER_KEY))?,
            folder::read(&folder.key(SERVER))?,
        );
        if let (Some(key), Some(certificate)) = kept
            && let Some(identity) = self.usable(&key, &certificate, names)
        {
            return Ok(identity);
        }
        let make = |cause| AuthorityError::Make {
            what: "the server's certificate",
            cause,
        };
        let key = KeyPair::generate().map_err(make)?;
        let mut parameters = parameters("Muster server", SERVER_DAYS);
        parameters.subject_alt_names = alternative_names(names)?;
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters.signed_by(&key, &self.issuer).map_err(make)?;
        folder::write(&folder.key(SERVER_KEY), key.serialize_pem().as_bytes())?;
        folder::write(&folder.key(SERVER), certificate.pem().as_bytes())?;
        tracing::info!(names = ?names, "a certificate was made for this server");
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|cause| damaged(SERVER_KEY, cause))?;
        Ok(self.identity(key, certificate.der().clone()))
    }

    fn usable(&self, key: &[u8], pem: &[u8], names: &BTreeSet<String>) -> Option<Identity> {
        let certificate = CertificateDer::from_pem_slice(pem).ok()?;
        let pair = KeyPair::from_pem(std::str::from_utf8(key).ok()?).ok()?;
        let (_, parsed) = X509Certificate::from_der(&certificate).ok()?;
        let (_, ca) = X509Certificate::from_der(&self.certificate).ok()?;
        parsed.verify_signature(Some(ca.public_key())).ok()?;
        let end = u64::try_from(parsed.validity().not_after.timestamp()).ok()?;
        let lasts = end > (now() + RENEW_WITHIN).as_secs();
        let same = crate::tls::names(&certificate) == *names;
        let fits = public_key(&certificate).as_deref() == Some(&pair.subject_public_key_info());
        let key = PrivateKeyDer::from_pem_slice(key).ok()?;
        (lasts && same && fits).then(|| self.identity(key, certificate))
    }

    fn identity(&self, key: PrivateKeyDer<'static>, leaf: CertificateDer<'static>) -> Identity {
        // With the CA itself, so that whoever knows its fingerprint finds it in the chain.
        Identity {
            chain: vec![leaf, self.certificate.clone()],
            key,
        }
    }

    /// A device's certificate for the key of a request; what else the request asks for is not heard.
    pub(crate) fn device(
        &self,
        device: DeviceId,
        request: &Request,
    ) -> Result<DeviceCertificate, AuthorityError> {
        let make = |cause| AuthorityError::Make {
            what: "a device's certificate",
            cause,
        };
        let mut parameters = parameters(&format!("device-{device}"), DEVICE_DAYS);
        let urn = format!("{DEVICE_URN}{device}").try_into().map_err(make)?;
        parameters.subject_alt_names = vec![SanType::URI(urn)];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters
            .signed_by(&request.0.public_key, &self.issuer)
            .map_err(make)?;
        Ok(DeviceCertificate {
            digest: Digest::of(certificate.der()),
            pem: certificate.pem(),
        })
    }
}

/// A certificate for a device.
#[derive(Debug, Clone)]
pub(crate) struct DeviceCertificate {
    /// PEM.
    pub(crate) pem: String,
    /// Digest of its DER: the one certificate that the device's link is opened with.
    pub(crate) digest: Digest,
}

/// What the alternative name of a device's certificate begins with; its number follows.
const DEVICE_URN: &str = "urn:muster:device:";

/// The device that a certificate names. The certificate was checked against the CA before.
pub(crate) fn device_of(certificate: &CertificateDer<'_>) -> Option<DeviceId> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    names
        .value
        .general_names
        .iter()
        .find_map(|name| match name {
            x509_parser::extensions::GeneralName::URI(uri) => {
                uri.strip_prefix(DEVICE_URN)?.parse().ok()
            }
            _ => None,
        })
}

/// The key that orders are signed with; made if the folder is `fresh`.
pub(crate) fn order_key(folder: &DataFolder, fresh: bool) -> Result<OrderKey, AuthorityError> {
    let file = folder.key(ORDER_KEY);
    if let Some(bytes) = folder::read(&file)? {
        return OrderKey::from_pkcs8(&bytes).map_err(|cause| damaged(ORDER_KEY, cause));
    }
    if !fresh {
        return Err(AuthorityError::Missing(ORDER_KEY));
    }
    let bytes = OrderKey::generate()?;
    folder::write(&file, &bytes)?;
    Ok(OrderKey::from_pkcs8(&bytes)?)
}

/// The names and addresses that the server's certificate is for: those given, and its own.
pub(crate) fn server_names(given: &[String]) -> BTreeSet<String> {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .to_lowercase();
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let host = Some(host).filter(|host| rcgen_name(host).is_some());
    given
        .iter()
        .map(|name| name.to_lowercase())
        .chain(own)
        .chain(host)
        .collect()
}

fn rcgen_name(name: &str) -> Option<SanType> {
    if let Ok(address) = name.parse() {
        return Some(SanType::IpAddress(address));
    }
    let name = rustls::pki_types::DnsName::try_from(name).ok()?;
    name.as_ref().try_into().ok().map(SanType::DnsName)
}

fn alternative_names(names: &BTreeSet<String>) -> Result<Vec<SanType>, AuthorityError> {
    names
        .iter()
        .map(|name| rcgen_name(name).ok_or_else(|| AuthorityError::Name(name.clone())))
        .collect()
}

fn parameters(name: &str, days: u32) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    let epoch = date_time_ymd(1970, 1, 1);
    parameters.not_before = epoch + now().saturating_sub(BACKDATED);
    parameters.not_after = epoch + now() + DAY * days;
    let mut serial: [u8; 16] = rand::random();
    // Positive, and of the same length each time.
    serial[0] = serial[0] & 0x7f | 0x40;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters
}

/// Since 1970, in whole seconds: certificates know no smaller ones.
fn now() -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Duration::from_secs(now.as_secs())
}

fn public_key(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.public_key().raw.to_vec())
}

fn text(file: &'static str, bytes: Vec<u8>) -> Result<String, AuthorityError> {
    String::from_utf8(bytes).map_err(|cause| damaged(file, cause))
}

fn damaged(
    file: &'static str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> AuthorityError {
    AuthorityError::Damaged {
        file,
        cause: cause.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, DataFolder) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        (folder, data)
    }

    fn request() -> String {
        let key = KeyPair::generate().unwrap();
        CertificateParams::default()
            .serialize_request(&key)
            .unwrap()
            .pem()
            .unwrap()
    }

    #[test]
    fn a_second_start_finds_what_the_first_made() {
        let (_folder, data) = folder();
        let names = server_names(&["muster.example".into(), "10.1.2.3".into()]);
        let authority = Authority::open(&data, true).unwrap();
        let chain = authority.server(&data, &names).unwrap().chain;
        assert_eq!(chain[1], *authority.certificate());
        let order = order_key(&data, true).unwrap().public();

        let again = Authority::open(&data, false).unwrap();
        assert_eq!(again.fingerprint(), authority.fingerprint());
        assert_eq!(again.server(&data, &names).unwrap().chain, chain);
        assert_eq!(order_key(&data, false).unwrap().public(), order);
        // Other names make another certificate, of the same CA.
        let other = again.server(&data, &server_names(&[])).unwrap().chain;
        assert_ne!(other[0], chain[0]);
        assert_eq!(other[1], chain[1]);
    }

    #[test]
    fn a_device_is_who_its_certificate_says() {
        let (_folder, data) = folder();
        let authority = Authority::open(&data, true).unwrap();
        let request = Request::read(&request()).unwrap();
        let made = authority.device(DeviceId(7), &request).unwrap();
        let der = CertificateDer::from_pem_slice(made.pem.as_bytes()).unwrap();
        assert_eq!(device_of(&der), Some(DeviceId(7)));
        assert_eq!(Digest::of(&der), made.digest);
        assert_eq!(Digest::of(public_key(&der).unwrap()), request.key());
        assert_eq!(device_of(authority.certificate()), None);
    }

    #[test]
    fn a_request_that_was_changed_is_not_taken() {
        let pem = request();
        let der = rustls::pki_types::CertificateSigningRequestDer::from_pem_slice(pem.as_bytes());
        let mut der = der.unwrap().to_vec();
        *der.last_mut().unwrap() ^= 1;
        let der = rustls::pki_types::CertificateSigningRequestDer::from(der);
        assert!(CertificateSigningRequestParams::from_der(&der).is_err());
        assert!(Request::read("no PEM").is_err());
    }

    #[test]
    fn a_lost_or_damaged_key_is_told_and_not_replaced() {
        let (_folder, data) = folder();
        Authority::open(&data, true).unwrap();
        std::fs::write(data.key(CA_KEY), "x").unwrap();
        assert!(
            Authority::open(&data, false).is_err_and(|error| error.to_string().contains(CA_KEY))
        );
        std::fs::remove_file(data.key(CA_KEY)).unwrap();
        assert!(matches!(
            Authority::open(&data, false),
            Err(AuthorityError::Missing(CA_KEY))
        ));
        assert!(matches!(
            order_key(&data, false),
            Err(AuthorityError::Missing(ORDER_KEY))
        ));
        assert!(matches!(
            Authority::open(&data, true)
                .unwrap()
                .server(&data, &server_names(&["a b".into()])),
            Err(AuthorityError::Name(_))
        ));
    }
}
