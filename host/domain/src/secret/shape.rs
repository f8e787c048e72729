//! Texts that look like secrets, whatever they are called.

use regex::Regex;
use std::sync::LazyLock;

/// What a text looks like, and the pattern that tells. Issuers gave their tokens beginnings that
/// nothing else has, so that they can be found where they should not be.
const SHAPES: [(&str, &str); 18] = [
    (
        "a private key",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    ),
    (
        "a secret key of minisign",
        r"untrusted comment: (?:minisign|rsign) encrypted secret key",
    ),
    ("an access key of AWS", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    (
        "a token of GitHub",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    ),
    (
        "a token of GitLab",
        r"\bgl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_-]{20,}",
    ),
    ("a token of Slack", r"\bxox[abceoprs]-[A-Za-z0-9-]{10,}"),
    ("a token of Slack", r"\bxapp-[0-9]-[A-Za-z0-9-]{10,}"),
    (
        "an address of Slack that works as a key",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}",
    ),
    ("a key of Google", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("a key of Stripe", r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}"),
    ("a token of npm", r"\bnpm_[A-Za-z0-9]{36}"),
    ("a token of PyPI", r"\bpypi-AgE[A-Za-z0-9_-]{20,}"),
    (
        "a key of a model provider",
        r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}",
    ),
    (
        "a token of this server",
        r"\bmuster-(?:enroll|admin|vault)-[A-Za-z0-9_-]{20,}",
    ),
    (
        "a JSON web token",
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    ),
    (
        "credentials of an HTTP request",
        r"(?i)\b(?:bearer|basic)\s+(?P<value>[A-Za-z0-9._~+/-]{12,}=*)",
    ),
    (
        "an address with a password",
        r"(?i)\b[a-z][a-z0-9+.-]*://[^\s/?#@:]*:(?P<value>[^\s/?#@]+)@",
    ),
    (
        "a password",
        r#"(?i)(?:^|[^a-z0-9])(?:password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token|access[_-]?token|client[_-]?secret|token)["']?\s*[=:]\s*["']?(?P<value>[^\s"'&;,]{3,})"#,
    ),
];

/// A password that a command line would hand over.
const OPTION: (&str, &str) = (
    "a password of a command line",
    r#"(?i)(?:^|[^a-z0-9-])--?(?:password|passwd|passphrase|secret|api[_-]?key|auth[_-]?token|access[_-]?token|client[_-]?secret|token)[ =]["']?(?P<value>[^\s"']{3,})"#,
);

#[expect(clippy::expect_used, reason = "constants, which a test goes through")]
static PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let all = SHAPES.iter().chain(std::iter::once(&OPTION));
    let compiled = all.map(|(what, pattern)| {
        let pattern = Regex::new(pattern).expect("a pattern of the scanner compiles");
        (*what, pattern)
    });
    compiled.collect()
});

/// What a text looks like, if it looks like it holds a secret.
pub(super) fn shape_of(text: &str) -> Option<&'static str> {
    let found = PATTERNS.iter().find(|(_, pattern)| {
        pattern.captures_iter(text).any(|found| {
            found
                .name("value")
                .is_none_or(|value| !stands_for_another(value.as_str()))
        })
    });
    found.map(|(what, _)| *what)
}

/// Whether a value only stands for one that comes from elsewhere: `$NAME`, `{name}`, `<name>`,
/// `%NAME%`, `***`.
fn stands_for_another(value: &str) -> bool {
    value.starts_with(['$', '{', '<', '%', '*', '[', '('])
}
