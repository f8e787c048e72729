//! The planted faults. The guest is built once; which fault it has stands in a slot of its data that
//! whoever loads it writes over.

/// How the slot begins, unwritten.
pub const SLOT: &[u8; 12] = b"fault-slot::";
/// Bytes of the slot, its beginning included.
pub const SLOT_BYTES: usize = 64;

/// Each fault, and the rule that it breaks: that one and no other.
pub const ALL: &[(&str, &str)] = &[
    ("imports-unasked", "capability-asked"),
    ("describe-traps", "describe-answers"),
    ("title-empty", "describe-complete"),
    ("example-without-path", "examples-valid"),
    ("schema-of-no-type", "schema-valid"),
    ("default-above-maximum", "defaults-valid"),
    ("password-inline", "secret-by-name"),
    ("setting-untitled", "settings-titled"),
    ("cuts-within-a-character", "validate-total"),
    ("counts-in-eight-bits", "validate-total"),
    ("code-in-capitals", "validate-answer"),
    ("verdict-by-chance", "validate-steady"),
    ("pointer-without-slash-of-list", "validate-pointers"),
    ("reads-only-json", "validate-anything"),
    ("needs-a-version", "translate-total"),
    ("hands-on-zero-bytes", "translate-answer"),
    ("for-no-platform", "translate-example"),
    ("sorts-its-answers", "translate-order"),
    ("looks-at-its-neighbours", "translate-alone"),
    ("counts-devices", "translate-devices"),
    ("reads-an-unnamed-fact", "translate-facts"),
    ("splits-every-line", "interpret-total"),
    ("sentence-from-the-output", "interpret-answer"),
    ("event-without-its-field", "interpret-events"),
    ("failed-ones-first", "interpret-order"),
    ("sums-over-reports", "interpret-alone"),
    ("migrates-only-a-path", "migrate-total"),
    ("keeps-old-members", "migrate-answer"),
    ("migrates-by-chance", "migrate-steady"),
    ("cannot-be-denied", "capability-denied"),
    ("fills-its-memory", "memory-headroom"),
    ("talks-too-much", "log-modest"),
];
