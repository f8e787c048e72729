//! A Sigstore installation in miniature: certificate authority, log of certificates and
//! transparency log, each with a key of its own, and bundles as its clients would write them.

use super::{Timestamp, hours};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_release::bundle::{SignatureFile, SignatureKind};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType,
    SerialNumber,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Fulcio's extension that names the issuer of the identity.
const FULCIO_ISSUER: [u64; 9] = [1, 3, 6, 1, 4, 1, 57264, 1, 8];
/// The extension with which a log of certificates answers for one.
const CERTIFICATE_TIMESTAMPS: [u64; 10] = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];

pub(crate) struct Sigstore {
    authority: Issuer<'static, KeyPair>,
    authority_der: Vec<u8>,
    certificates: KeyPair,
    signatures: KeyPair,
}

impl Sigstore {
    pub(crate) fn new() -> Self {
        let key = key();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.not_before =
            (std::time::SystemTime::now() - std::time::Duration::from_hours(48)).into();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            authority_der: certificate.der().to_vec(),
            authority: Issuer::new(params, key),
            certificates: self::key(),
            signatures: self::key(),
        }
    }

    /// The file `trusted_root.json`.
    pub(crate) fn root(&self) -> String {
        let start = (Timestamp::now() - hours(48)).to_string();
        let log = |key: &KeyPair| {
            json!({
                "baseUrl": "https://log.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": STANDARD.encode(key.subject_public_key_info()),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": { "start": start },
                },
                "logId": { "keyId": STANDARD.encode(log_id(key)) },
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(&self.signatures)],
            "ctlogs": [log(&self.certificates)],
            "certificateAuthorities": [{
                "subject": { "organization": "test", "commonName": "test authority" },
                "uri": "https://ca.example",
                "certChain": { "certificates": [{ "rawBytes": STANDARD.encode(&self.authority_der) }] },
                "validFor": { "start": start },
            }],
            "timestampAuthorities": [],
        })
        .to_string()
    }

    /// Signs bytes as an identity: with a key that lives for this one signature.
    pub(crate) fn sign(&self, issuer: &str, subject: &str, bytes: &[u8]) -> SignatureFile {
        let key = key();
        let certificate = self.certificate(issuer, subject, &key);
        let signature = sign(&key, bytes);
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": { "hash": { "algorithm": "sha256", "value": hex(&Sha256::digest(bytes)) } },
                "signature": {
                    "content": STANDARD.encode(&signature),
                    "publicKey": { "content": STANDARD.encode(pem(&certificate)) },
                },
            },
        })
        .to_string();
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": STANDARD.encode(&certificate) },
                "tlogEntries": [self.log_entry(&body)],
            },
            "messageSignature": {
                "messageDigest": {
                    "algorithm": "SHA2_256",
                    "digest": STANDARD.encode(Sha256::digest(bytes)),
                },
                "signature": STANDARD.encode(&signature),
            },
        });
        SignatureFile {
            kind: SignatureKind::Sigstore,
            bytes: bundle.to_string().into_bytes(),
        }
    }

    /// An entry that is alone in its log, so that its hash is the root of the tree.
    fn log_entry(&self, body: &str) -> serde_json::Value {
        let log = log_id(&self.signatures);
        let mut leaf = vec![0];
        leaf.extend(body.as_bytes());
        let root = STANDARD.encode(Sha256::digest(&leaf));
        let note = format!("log.example - 1\n1\n{root}\n");
        let mut signed = log[..4].to_vec();
        signed.extend(sign(&self.signatures, note.as_bytes()));
        let time = Timestamp::now().as_second();
        let body = STANDARD.encode(body);
        let promise = json!({
            "body": body, "integratedTime": time, "logID": hex(&log), "logIndex": 0,
        });
        json!({
            "logIndex": "0",
            "logId": { "keyId": STANDARD.encode(&log) },
            "kindVersion": { "kind": "hashedrekord", "version": "0.0.1" },
            "integratedTime": time.to_string(),
            "inclusionPromise": {
                "signedEntryTimestamp":
                    STANDARD.encode(sign(&self.signatures, promise.to_string().as_bytes())),
            },
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": root,
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {
                    "envelope": format!("{note}\n\u{2014} log.example {}\n", STANDARD.encode(signed)),
                },
            },
            "canonicalizedBody": body,
        })
    }

    /// A certificate for ten minutes, with the word of the log of certificates in it.
    fn certificate(&self, issuer: &str, subject: &str, key: &KeyPair) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from(vec![1, 2, 3, 4]));
        params.subject_alt_names = vec![SanType::URI(subject.try_into().unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let now = std::time::SystemTime::now();
        params.not_before = (now - std::time::Duration::from_mins(5)).into();
        params.not_after = (now + std::time::Duration::from_mins(5)).into();
        params.custom_extensions = vec![CustomExtension::from_oid_content(
            &FULCIO_ISSUER,
            der(0x0c, issuer.as_bytes()),
        )];
        let before = params.signed_by(key, &self.authority).unwrap();
        let (_, parsed) = x509_parser::parse_x509_certificate(before.der()).unwrap();
        let word = self.certificate_timestamp(parsed.tbs_certificate.as_ref());
        params
            .custom_extensions
            .push(CustomExtension::from_oid_content(
                &CERTIFICATE_TIMESTAMPS,
                der(0x04, &word),
            ));
        params
            .signed_by(key, &self.authority)
            .unwrap()
            .der()
            .to_vec()
    }

    /// RFC 6962: a list of one signed certificate timestamp.
    fn certificate_timestamp(&self, certificate: &[u8]) -> Vec<u8> {
        let time = u64::try_from(Timestamp::now().as_millisecond()).unwrap();
        let authority = Sha256::digest(self.authority.key().subject_public_key_info());
        let mut signed = vec![0, 0];
        signed.extend(time.to_be_bytes());
        signed.extend([0, 1]);
        signed.extend(authority);
        signed.extend(&u32::try_from(certificate.len()).unwrap().to_be_bytes()[1..]);
        signed.extend(certificate);
        signed.extend([0, 0]);
        let signature = sign(&self.certificates, &signed);
        let mut word = vec![0];
        word.extend(log_id(&self.certificates));
        word.extend(time.to_be_bytes());
        word.extend([0, 0, 4, 3]);
        word.extend(length16(signature.len()));
        word.extend(signature);
        let mut list = length16(word.len() + 2);
        list.extend(length16(word.len()));
        list.extend(word);
        list
    }
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn log_id(key: &KeyPair) -> Vec<u8> {
    Sha256::digest(key.subject_public_key_info()).to_vec()
}

fn sign(key: &KeyPair, bytes: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let key = key.serialize_der();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key, &random).unwrap();
    key.sign(&random, bytes).unwrap().as_ref().to_vec()
}

fn pem(certificate: &[u8]) -> String {
    let lines: Vec<String> = STANDARD
        .encode(certificate)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..128) => bytes.push(short),
        Ok(long) => bytes.extend([0x81, long]),
        Err(_) => {
            bytes.push(0x82);
            bytes.extend(length16(content.len()));
        }
    }
    bytes.extend(content);
    bytes
}

fn length16(length: usize) -> Vec<u8> {
    u16::try_from(length).unwrap().to_be_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
