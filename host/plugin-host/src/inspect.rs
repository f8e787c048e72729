//! Looks into a component before the engine does.

/// Why a file is no component that the engine may see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// It does not begin as WebAssembly does.
    #[error(
        "it is no WebAssembly component: it begins with {begins:?}; a plug-in is a .wasm file as `muster plugin build` makes it"
    )]
    NotWasm {
        /// Its first bytes, as text.
        begins: String,
    },
    /// A core module, not a component.
    #[error(
        "it is a core WebAssembly module, not a component; build it for the target wasm32-wasip2, or encode it by `wasm-tools component new`"
    )]
    CoreModule,
    /// It ends too early, or is damaged.
    #[error("it is cut short or damaged at byte {offset}: {text}")]
    Damaged {
        /// Where.
        offset: usize,
        /// What the parser says.
        text: String,
    },
    /// It is larger than a component may be.
    #[error("it has {size} bytes; at most {limit} are taken (plug-ins.component-size)")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It has more of something than a component may have.
    #[error("it has more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// It imports something that no plug-in gets.
    #[error(
        "it imports {0}, which this server does not offer; a plug-in may import muster:plugin/log@1 alone"
    )]
    ForeignImport(String),
    /// It does not export what a plug-in has.
    #[error(
        "it does not export {missing}; it exports {exports}. A management plug-in is built for a world of muster:plugin@1"
    )]
    OtherWorld {
        /// The export that is missing.
        missing: &'static str,
        /// The exports that it has, or "nothing".
        exports: String,
    },
    /// It defines resource types of its own.
    #[error("it defines a resource type; the contract with plug-ins has none")]
    Resource,
}
