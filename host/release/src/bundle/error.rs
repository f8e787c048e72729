//! Why bytes are no bundle, or a release cannot be made one.

use muster_domain::Digest;

/// Why bytes are no bundle, or a release cannot be made one. The fault is with whoever made it.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not even the first part is there.
    #[error("this is no bundle: it does not begin with {0}", super::Part::Manifest.name())]
    NotABundle,
    /// The archive's own structure does not hold.
    #[error("the bundle is broken off or damaged at its part number {part}")]
    Damaged {
        /// Counted from one.
        part: usize,
        /// What the archive's reader says.
        #[source]
        cause: std::io::Error,
    },
    /// A part has a name that no bundle has, or stands where it may not: a link, a path, a second one.
    #[error(
        "part number {part} of the bundle, {name:?}, has no place there; make it with `muster plugin bundle`"
    )]
    Unexpected {
        /// Counted from one.
        part: usize,
        /// The name, cut.
        name: String,
    },
    /// A part is larger than it may be.
    #[error("{part} has {size} bytes; the most is {most}")]
    TooLarge {
        /// Its name.
        part: String,
        /// How large it says it is.
        size: u64,
        /// How large it may be.
        most: usize,
    },
    /// A part is not there.
    #[error("the bundle has no {0}")]
    Missing(&'static str),
    /// There are more signatures than anybody needs.
    #[error("there are {count} signatures; the most is {most}", most = super::SIGNATURES_MOST)]
    TooManySignatures {
        /// How many.
        count: usize,
    },
    /// Signatures without what they sign.
    #[error("there are signatures and no statement that they could be of")]
    NoStatement,
    /// The first part cannot be understood.
    #[error("the bundle's manifest cannot be read")]
    Manifest(#[source] serde_json::Error),
    /// A later form of bundles.
    #[error("the bundle has the format {format:?}; this version of Muster reads {known}", known = super::FORMAT)]
    Format {
        /// The one that it has, cut.
        format: String,
    },
    /// What is said of the signers cannot be shown to people as it is.
    #[error(
        "the trust reference has an empty text, a text of more than {most} bytes, control or formatting \
         characters, or more than {signers} signers",
        most = super::REFERENCE_TEXT_MOST,
        signers = super::SIGNERS_MOST
    )]
    Reference,
    /// The component is not the one that was packed.
    #[error("the bundle is said to hold the component {said} and holds {found}")]
    Component {
        /// By the manifest.
        said: Digest,
        /// By the bytes.
        found: Digest,
    },
    /// Something is in it that reading would have passed over: padding, metadata, trailing bytes.
    #[error(
        "the bundle differs at byte {offset} from what packing its parts makes; make it with \
         `muster plugin bundle`"
    )]
    NotCanonical {
        /// Of the first byte that is another one.
        offset: usize,
    },
    /// Memory only: a `Vec` takes everything.
    #[error("the bundle cannot be written")]
    Write(#[source] std::io::Error),
}

impl BundleError {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotABundle => "bundle-not-one",
            Self::Damaged { .. } => "bundle-damaged",
            Self::Unexpected { .. } => "bundle-unexpected-part",
            Self::TooLarge { .. } => "bundle-too-large",
            Self::Missing(_) => "bundle-missing-part",
            Self::TooManySignatures { .. } => "bundle-too-many-signatures",
            Self::NoStatement => "bundle-without-statement",
            Self::Manifest(_) => "bundle-manifest",
            Self::Format { .. } => "bundle-format",
            Self::Reference => "bundle-reference",
            Self::Component { .. } => "bundle-component",
            Self::NotCanonical { .. } => "bundle-not-canonical",
            Self::Write(_) => "bundle-write",
        }
    }
}
