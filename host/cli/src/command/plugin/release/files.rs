//! The files of a release: a bundle, or a component with what lies beside it.

use crate::failure::Failure;
use crate::input::Source;
use muster_release::bundle::{
    Bundle, SIGNATURE_MOST, STATEMENT_MOST, SignatureFile, SignatureKind, TrustReference,
};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Servers decide what is too large; this is what is read at all.
pub(crate) const COMPONENT_MOST: usize = 256 * 1024 * 1024;

/// `x.wasm` and `minisig` give `x.wasm.minisig`.
pub(crate) fn beside(component: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(component);
    name.push(".");
    name.push(ending);
    name.into()
}

/// How the file of a statement ends.
pub(super) const STATEMENT: &str = "statement.json";

/// How every component begins.
const MAGIC: &[u8] = b"\0asm";

/// Reads a release: a bundle as it is; a component with its statement and its signatures, if they
/// lie beside it. What is plainly neither is not handed on: it may be a secret key.
pub(crate) fn release(source: &Source) -> Result<Bundle, Failure> {
    let bytes = source.bytes()?;
    if !Bundle::is(&bytes) && !bytes.starts_with(MAGIC) {
        let text = format!("{source} is neither a component nor a bundle");
        return Err(Failure::Usage(text));
    }
    let is_whole = Bundle::is(&bytes);
    let mut bundle = Bundle::open(bytes, COMPONENT_MOST)?;
    let Source::File(path) = source else {
        return Ok(bundle);
    };
    if is_whole {
        return Ok(bundle);
    }
    bundle.statement = there(&beside(path, STATEMENT), STATEMENT_MOST)?;
    for kind in SignatureKind::ALL {
        if let Some(bytes) = there(&beside(path, kind.ending()), SIGNATURE_MOST)? {
            bundle.signatures.push(SignatureFile { kind, bytes });
        }
    }
    bundle.reference = TrustReference {
        signers: bundle
            .signatures
            .iter()
            .filter_map(SignatureFile::signer)
            .collect(),
        published: None,
    };
    bundle.check()?;
    Ok(bundle)
}

/// A file's bytes, if there is one.
fn there(path: &Path, most: usize) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Ok(found) if found.len() > most as u64 => {
            let path = path.display();
            let text = format!("{path} has more than {most} bytes; such a file has never");
            return Err(Failure::Usage(text));
        }
        // What else is wrong with it is told by reading it.
        _ => {}
    }
    Ok(Some(Source::File(path.to_owned()).bytes()?))
}
