//! A release as an artifact: its manifest, its config, its layers.

use crate::bundle::{self, Bundle, SIGNATURES_MOST, SignatureFile, SignatureKind, TrustReference};
use crate::statement::Statement;
use jiff::Timestamp;
use muster_domain::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wasmparser::{Parser, Payload};

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const WASM: &str = "application/wasm";
pub(super) const OCTETS: &str = "application/octet-stream";
pub(super) const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
pub(super) const STATEMENT: &str = "application/vnd.muster.statement.v1+json";
pub(super) const REFERENCE: &str = "application/vnd.muster.trust-reference.v1+json";
const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const TITLE: &str = "org.opencontainers.image.title";

/// The most layers that are looked at.
pub(super) const LAYERS_MOST: usize = SIGNATURES_MOST + 8;

/// How a release is laid out in a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// As wasm; as an image where the registry refuses that.
    #[default]
    Automatic,
    /// As the CNCF lays wasm out: the component is a layer `application/wasm`.
    Wasm,
    /// As an image whose one layer is the bundle, which is a tar archive. Every registry takes it.
    Image,
}

/// An OCI image manifest, as far as it is used.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
}

/// What stands for a blob.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

/// A manifest and the blobs that it names.
pub(super) struct Artifact {
    pub(super) manifest: Manifest,
    pub(super) blobs: Vec<Vec<u8>>,
}

impl Descriptor {
    fn of(media_type: &str, bytes: &[u8], title: Option<&str>) -> Self {
        let title = title.map(|title| (TITLE.to_owned(), title.to_owned()));
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            annotations: title.into_iter().collect(),
        }
    }
}

/// The media type of a signature.
pub(super) fn signature_type(kind: SignatureKind) -> &'static str {
    match kind {
        SignatureKind::Minisign => "application/vnd.muster.minisign",
        SignatureKind::Sigstore => "application/vnd.dev.sigstore.bundle.v0.3+json",
    }
}

/// The kind of a signature by its media type. Sigstore counts its bundles' versions in it.
pub(super) fn signature_kind(media_type: &str) -> Option<SignatureKind> {
    if media_type == signature_type(SignatureKind::Minisign) {
        Some(SignatureKind::Minisign)
    } else if media_type.starts_with("application/vnd.dev.sigstore.bundle") {
        Some(SignatureKind::Sigstore)
    } else {
        None
    }
}

/// Lays a release out as wasm. The same release is always the same artifact.
pub(super) fn wasm(bundle: &Bundle) -> Result<Artifact, String> {
    let mut layers = vec![(
        WASM.to_owned(),
        "component.wasm".to_owned(),
        bundle.component.clone(),
    )];
    if let Some(statement) = &bundle.statement {
        layers.push((
            STATEMENT.to_owned(),
            "statement.json".to_owned(),
            statement.clone(),
        ));
    }
    for (index, SignatureFile { kind, bytes }) in bundle.signatures.iter().enumerate() {
        let title = format!("signature-{}.{}", index + 1, kind.ending());
        layers.push((signature_type(*kind).to_owned(), title, bytes.clone()));
    }
    if bundle.reference != TrustReference::default() {
        let bytes = serde_json::to_vec(&bundle.reference).map_err(|cause| cause.to_string())?;
        layers.push((
            REFERENCE.to_owned(),
            "trust-reference.json".to_owned(),
            bytes,
        ));
    }
    let descriptors = layers
        .iter()
        .map(|(media_type, title, bytes)| Descriptor::of(media_type, bytes, Some(title)))
        .collect::<Vec<_>>();
    let config = json!({
        "created": created(bundle),
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": descriptors.iter().map(|layer| layer.digest).collect::<Vec<_>>(),
        "component": interfaces(&bundle.component)?,
    });
    let blobs = layers.into_iter().map(|(_, _, bytes)| bytes).collect();
    Ok(artifact(WASM_CONFIG, &config, descriptors, blobs))
}

/// Lays a release out as an image of one layer.
pub(super) fn image(bundle: &Bundle) -> Result<Artifact, bundle::BundleError> {
    let bytes = bundle.write()?;
    let layer = Descriptor::of(TAR, &bytes, Some("muster-bundle.tar"));
    let config = json!({
        "created": created(bundle),
        "architecture": "wasm",
        "os": "wasip2",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
    });
    Ok(artifact(IMAGE_CONFIG, &config, vec![layer], vec![bytes]))
}

fn artifact(
    config_type: &str,
    config: &Value,
    layers: Vec<Descriptor>,
    mut blobs: Vec<Vec<u8>>,
) -> Artifact {
    let config = config.to_string().into_bytes();
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST.to_owned()),
        config: Descriptor::of(config_type, &config, None),
        layers,
    };
    blobs.push(config);
    Artifact { manifest, blobs }
}

/// When the release was made, as its signer states; never when it was pushed.
fn created(bundle: &Bundle) -> Timestamp {
    bundle
        .statement
        .as_deref()
        .and_then(|bytes| Statement::parse(bytes).ok())
        .map_or(Timestamp::UNIX_EPOCH, |statement| statement.created)
}

/// What a component imports and exports, for those who look at the artifact.
fn interfaces(component: &[u8]) -> Result<Value, String> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_u32;
    let mut is_component = false;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(|cause| cause.message().to_owned())?;
        match payload {
            Payload::Version { encoding, .. } => {
                is_component |= depth == 0 && encoding == wasmparser::Encoding::Component;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(|cause| cause.message().to_owned())?;
                    imports.push(import.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(|cause| cause.message().to_owned())?;
                    exports.push(export.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    if !is_component {
        return Err("it is no WebAssembly component".to_owned());
    }
    Ok(json!({ "exports": exports, "imports": imports, "target": null }))
}
