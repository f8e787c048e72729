use super::*;

const MOST: usize = 1024 * 1024;

fn release() -> Bundle {
    Bundle {
        component: b"\0asm\x0d\0\x01\0 and more".repeat(100),
        statement: Some(b"{\"a\":1}".to_vec()),
        signatures: vec![
            SignatureFile {
                kind: SignatureKind::Minisign,
                bytes: b"untrusted comment: x".to_vec(),
            },
            SignatureFile {
                kind: SignatureKind::Sigstore,
                bytes: b"{}".to_vec(),
            },
            SignatureFile {
                kind: SignatureKind::Minisign,
                bytes: b"another".to_vec(),
            },
        ],
        reference: TrustReference {
            signers: vec!["minisign 0123456789ABCDEF".to_owned()],
            published: Some("https://vendor.example/keys".to_owned()),
        },
    }
}

/// A tar archive made by hand, so that it may be any.
#[derive(Default)]
struct Archive(Vec<u8>);

impl Archive {
    fn of(bundle: &Bundle) -> Self {
        let bytes = bundle.write().unwrap();
        Self(bytes[..bytes.len() - 1024].to_vec())
    }

    fn with(mut self, name: &str, kind: tar::EntryType, bytes: &[u8]) -> Self {
        let mut header = tar::Header::new_ustar();
        header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.with(name, tar::EntryType::Regular, bytes)
    }

    fn code(mut self) -> &'static str {
        self.0.extend_from_slice(&[0; 1024]);
        code(&self.0)
    }
}

fn code(bytes: &[u8]) -> &'static str {
    Bundle::read(bytes, MOST).expect_err("no bundle").code()
}

fn manifest(of: &[u8]) -> String {
    let digest = Digest::of(of);
    format!(
        "{{\n  \"format\": \"muster-bundle/1\",\n  \"component\": \"{digest}\",\n  \"reference\": {{\n    \"signers\": []\n  }}\n}}\n"
    )
}

#[test]
fn a_release_is_always_the_same_bytes_and_comes_back() {
    for bundle in [
        release(),
        Bundle::bare(b"\0asm".to_vec()),
        Bundle::bare(Vec::new()),
    ] {
        let bytes = bundle.write().unwrap();
        assert_eq!(bytes, bundle.clone().write().unwrap());
        assert!(bytes.len() <= bundle.component.len() + OVERHEAD);
        assert!(Bundle::is(&bytes));
        assert_eq!(Bundle::read(&bytes, MOST).unwrap(), bundle);
        assert_eq!(Bundle::open(bytes.clone(), MOST).unwrap(), bundle);
    }
    let bare = Bundle::open(b"\0asm".to_vec(), MOST).unwrap();
    assert_eq!(bare, Bundle::bare(b"\0asm".to_vec()));
}

#[test]
fn an_archive_made_by_hand_in_the_same_way_is_taken() {
    let made = Archive::default()
        .file("muster-bundle.json", manifest(b"wasm").as_bytes())
        .file("component.wasm", b"wasm");
    let mut bytes = made.0;
    bytes.extend_from_slice(&[0; 1024]);
    assert_eq!(
        Bundle::read(&bytes, MOST).unwrap(),
        Bundle::bare(b"wasm".to_vec())
    );
}

#[test]
fn the_first_byte_that_changes_is_noticed_wherever_it_is() {
    let bytes = release().write().unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        // What signatures and statement say is for those who verify them.
        if let Ok(read) = Bundle::read(&changed, MOST) {
            assert_eq!(read.component, release().component, "byte {at}");
            assert_ne!(read, release(), "byte {at}");
        }
    }
}

#[test]
fn a_bundle_that_ends_early_or_late_is_refused() {
    let bytes = release().write().unwrap();
    for end in 0..bytes.len() {
        assert!(
            Bundle::read(&bytes[..end], MOST).is_err(),
            "the first {end} bytes"
        );
    }
    for more in [&[0_u8][..], &[0; 512], &[0; 1024], b"x"] {
        let longer = [&bytes, more].concat();
        assert_eq!(code(&longer), "bundle-not-canonical");
    }
}

#[test]
fn what_is_no_bundle_is_refused_with_a_code() {
    assert_eq!(code(b""), "bundle-not-one");
    assert_eq!(code(b"\0asm"), "bundle-not-one");
    let first = || Archive::default().file("muster-bundle.json", manifest(b"wasm").as_bytes());
    assert_eq!(first().code(), "bundle-missing-part");
    assert_eq!(
        first().file("component.wasm", b"Wasm").code(),
        "bundle-component"
    );
    assert_eq!(
        first().file("statement.json", b"{}").code(),
        "bundle-missing-part"
    );
    assert_eq!(
        Archive::default()
            .file("muster-bundle.json", b"{}")
            .file("component.wasm", b"")
            .code(),
        "bundle-manifest"
    );
    let later = manifest(b"wasm").replace("/1", "/2");
    assert_eq!(
        Archive::default()
            .file("muster-bundle.json", later.as_bytes())
            .file("component.wasm", b"wasm")
            .code(),
        "bundle-format"
    );
    let spaced = manifest(b"wasm").replace("  ", "   ");
    assert_eq!(
        Archive::default()
            .file("muster-bundle.json", spaced.as_bytes())
            .file("component.wasm", b"wasm")
            .code(),
        "bundle-not-canonical"
    );
    let whole = || first().file("component.wasm", b"wasm");
    assert_eq!(
        whole().file("signature-1.minisig", b"").code(),
        "bundle-not-canonical"
    );
}

#[test]
fn parts_that_have_no_place_are_refused() {
    let code = |name: &str| Archive::of(&release()).file(name, b"x").code();
    for name in [
        "component.wasm",
        "statement.json",
        "muster-bundle.json",
        "signature-3.minisig",
        "signature-5.minisig",
        "signature-9.minisig",
        "signature-04.minisig",
        "signature-4.asc",
        "../component.wasm",
        "./signature-4.minisig",
        "/etc/passwd",
        "a/signature-4.minisig",
        "SIGNATURE-4.minisig",
        "",
        "data/",
    ] {
        assert_eq!(code(name), "bundle-unexpected-part", "{name:?}");
    }
    let swapped = Archive::default()
        .file("muster-bundle.json", manifest(b"wasm").as_bytes())
        .file("statement.json", b"{}")
        .file("component.wasm", b"wasm");
    assert_eq!(swapped.code(), "bundle-unexpected-part");
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Directory,
        tar::EntryType::Char,
        tar::EntryType::Fifo,
        tar::EntryType::GNULongName,
        tar::EntryType::GNUSparse,
        tar::EntryType::XHeader,
        tar::EntryType::XGlobalHeader,
        tar::EntryType::Continuous,
    ] {
        let code = Archive::of(&release())
            .with("signature-4.minisig", kind, b"x")
            .code();
        assert_eq!(code, "bundle-unexpected-part", "{kind:?}");
    }
}

#[test]
fn nothing_larger_than_it_may_be_is_read_or_written() {
    let mut bundle = release();
    assert!(Bundle::read(&bundle.write().unwrap(), bundle.component.len()).is_ok());
    let error = Bundle::read(&bundle.write().unwrap(), bundle.component.len() - 1).unwrap_err();
    assert_eq!(error.code(), "bundle-too-large");
    assert_eq!(
        Bundle::open(b"\0asm".to_vec(), 3).unwrap_err().code(),
        "bundle-too-large"
    );

    let long = vec![b' '; STATEMENT_MOST + 1];
    let archive = Archive::of(&Bundle::bare(b"wasm".to_vec())).file("statement.json", &long);
    assert_eq!(archive.code(), "bundle-too-large");
    bundle.statement = Some(long);
    assert_eq!(bundle.write().unwrap_err().code(), "bundle-too-large");

    // A size that the bytes do not have is refused before room is made for it.
    let mut bytes = release().write().unwrap();
    let second = 2 * 512;
    let mut header = tar::Header::from_byte_slice(&bytes[second..second + 512]).clone();
    header.set_size(u64::MAX / 2);
    header.set_cksum();
    bytes[second..second + 512].copy_from_slice(header.as_bytes());
    assert_eq!(code(&bytes), "bundle-too-large");

    let mut many = release();
    many.signatures = vec![many.signatures[0].clone(); SIGNATURES_MOST + 1];
    assert_eq!(
        many.write().unwrap_err().code(),
        "bundle-too-many-signatures"
    );
    let mut unsaid = release();
    unsaid.statement = None;
    assert_eq!(
        unsaid.write().unwrap_err().code(),
        "bundle-without-statement"
    );
}

#[test]
fn a_reference_that_would_fool_people_is_refused() {
    for text in ["", "a\nb", "a\u{1b}[2J", "a\u{202e}b", "x\u{200b}"] {
        let mut bundle = release();
        bundle.reference.signers = vec![text.to_owned()];
        assert_eq!(
            bundle.write().unwrap_err().code(),
            "bundle-reference",
            "{text:?}"
        );
        bundle.reference = TrustReference {
            signers: Vec::new(),
            published: Some(text.to_owned()),
        };
        assert_eq!(
            bundle.write().unwrap_err().code(),
            "bundle-reference",
            "{text:?}"
        );
    }
}

#[test]
fn evidence_is_kept_without_the_component_and_comes_back() {
    let bundle = release();
    let evidence = Evidence::of(&bundle).unwrap();
    let bytes = evidence.write().unwrap();
    assert!(bytes.len() < bundle.component.len() + 8192);
    let read = Evidence::read(&bytes).unwrap();
    assert_eq!(read, evidence);
    assert_eq!(read.component, bundle.digest());
    assert_eq!(Evidence::of(&Bundle::bare(Vec::new())), None);
    // One is not the other.
    assert_eq!(code(&bytes), "bundle-missing-part");
    let error = Evidence::read(&bundle.write().unwrap()).unwrap_err();
    assert_eq!(error.code(), "bundle-too-large");
}
