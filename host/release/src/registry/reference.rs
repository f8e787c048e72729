//! The name of a release in a registry.

use muster_domain::Digest;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

const SCHEME: &str = "oci://";
const NAME_MOST: usize = 255;
const TAG_MOST: usize = 128;

/// `oci://registry/name:tag@sha256:…`: a registry, a name in it, and a tag, a digest or both. With
/// a digest it always names the same bytes, and the tag is for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    name: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// A text that names no release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Another scheme, or none.
    #[error(
        "a reference to a registry begins with oci://, as oci://registry.example/vendor/plug-in:1.2.0"
    )]
    Scheme,
    /// No registry is told from the name.
    #[error("name the registry and what it holds: oci://registry.example/vendor/plug-in:1.2.0")]
    NoName,
    /// The registry is no host with or without a port. Credentials do not belong here.
    #[error(
        "the registry must be a host name or an address, and a port if it is not 443; credentials come by a file"
    )]
    Registry,
    /// The name has characters that no registry takes.
    #[error(
        "the name in the registry must be of lower-case letters, digits and single . _ - between them, in parts separated by /"
    )]
    Name,
    /// The tag has characters that no registry takes.
    #[error("a tag has up to 128 letters, digits, _ . and -, and begins with none of the last two")]
    Tag,
    /// The digest is none.
    #[error("a digest is written sha256: and 64 lower-case hexadecimal digits")]
    Digest,
    /// What is meant is left open.
    #[error("name a tag (:1.2.0), a digest (@sha256:…) or both; none is taken for granted")]
    Open,
}

impl Reference {
    /// Whether a text is meant as a reference to a registry.
    pub fn is(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The registry, as `host` or `host:port`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The name in the registry.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tag.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest of the manifest.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The same, pinned to a digest.
    #[must_use]
    pub fn pinned(&self, digest: Digest) -> Self {
        Self {
            digest: Some(digest),
            ..self.clone()
        }
    }

    /// What the registry is asked for: the digest, if there is one.
    pub(super) fn asked(&self) -> String {
        match (self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.clone().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.registry, self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let text = text.strip_prefix(SCHEME).ok_or(ReferenceError::Scheme)?;
        let (registry, rest) = text.split_once('/').ok_or(ReferenceError::NoName)?;
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => {
                let digest = digest.parse().map_err(|_| ReferenceError::Digest)?;
                (rest, Some(digest))
            }
            None => (rest, None),
        };
        let (name, tag) = match rest.split_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (rest, None),
        };
        if !is_registry(registry) {
            return Err(ReferenceError::Registry);
        }
        if name.len() > NAME_MOST || !name.split('/').all(is_name_part) {
            return Err(ReferenceError::Name);
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag);
        }
        if tag.is_none() && digest.is_none() {
            return Err(ReferenceError::Open);
        }
        Ok(Self {
            registry: registry.to_owned(),
            name: name.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }
}

/// The host of a `host:port`, without the brackets of an IPv6 address.
pub(super) fn host(registry: &str) -> &str {
    if let Some(rest) = registry.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    registry.split(':').next().unwrap_or(registry)
}

/// Whether a registry is on this machine.
pub(super) fn is_loopback(registry: &str) -> bool {
    let host = host(registry);
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) if host.parse::<Ipv6Addr>().is_ok() => ("ipv6", port),
            _ => return false,
        },
        None => match text.find(':') {
            Some(at) => text.split_at(at),
            None => (text, ""),
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let port = match port.strip_prefix(':') {
        Some(port) => {
            port.bytes().all(|c| c.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        }
        None => port.is_empty(),
    };
    text.len() <= NAME_MOST && host.split('.').all(label) && port
}

/// Words of lower-case letters and digits, with `.`, `_`, `__` or dashes between them.
fn is_name_part(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separates = |text: &str| {
        matches!(text, "." | "_" | "__") || (!text.is_empty() && text.bytes().all(|c| c == b'-'))
    };
    part.starts_with(is_word)
        && part.ends_with(is_word)
        && part
            .split(is_word)
            .filter(|between| !between.is_empty())
            .all(separates)
}

fn is_tag(tag: &str) -> bool {
    let is_word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    tag.len() <= TAG_MOST
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|c| is_word(c) || c == b'.' || c == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_reference_reads_back_what_it_writes() {
        for text in [
            "oci://registry.example/clamav:1.2.0".to_owned(),
            format!("oci://localhost:5000/vendor/plug-in_a/x__y.z:v1@{DIGEST}"),
            format!("oci://127.0.0.1:5000/a@{DIGEST}"),
            "oci://[::1]:5000/a--b:_1.0-rc.1".to_owned(),
            "oci://[2001:db8::1]/a:1".to_owned(),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.to_string(), text);
        }
        let reference: Reference = "oci://r.example:1/a/b:t".parse().unwrap();
        assert_eq!(
            (reference.registry(), reference.name(), reference.tag()),
            ("r.example:1", "a/b", Some("t"))
        );
        assert_eq!(reference.asked(), "t");
        let digest = DIGEST.parse().unwrap();
        assert_eq!(
            reference.pinned(digest).to_string(),
            format!("oci://r.example:1/a/b:t@{DIGEST}")
        );
        assert_eq!(reference.pinned(digest).asked(), DIGEST);
    }

    #[test]
    fn what_names_no_release_is_refused() {
        use ReferenceError as E;
        let long = "a".repeat(300);
        for (text, error) in [
            ("registry.example/a:1", E::Scheme),
            ("https://registry.example/a:1", E::Scheme),
            ("OCI://registry.example/a:1", E::Scheme),
            ("oci://registry.example", E::NoName),
            ("oci:///a:1", E::Registry),
            ("oci://user@registry.example/a:1", E::Registry),
            ("oci://user:secret@registry.example/a:1", E::Registry),
            ("oci://registry.example:/a:1", E::Registry),
            ("oci://registry.example:0/a:1", E::Registry),
            ("oci://registry.example:65536/a:1", E::Registry),
            ("oci://registry.example:+80/a:1", E::Registry),
            ("oci://registry..example/a:1", E::Registry),
            ("oci://-registry.example/a:1", E::Registry),
            ("oci://[::1/a:1", E::Registry),
            ("oci://[host]/a:1", E::Registry),
            ("oci://registry.example#x/a:1", E::Registry),
            ("oci://registry.example/A:1", E::Name),
            ("oci://registry.example/a//b:1", E::Name),
            ("oci://registry.example/../b:1", E::Name),
            ("oci://registry.example/a/:1", E::Name),
            ("oci://registry.example/:1", E::Name),
            ("oci://registry.example/a___b:1", E::Name),
            ("oci://registry.example/a.-b:1", E::Name),
            ("oci://registry.example/a?x=1:1", E::Name),
            ("oci://registry.example/a%2fb:1", E::Name),
            ("oci://registry.example/a:", E::Tag),
            ("oci://registry.example/a:.1", E::Tag),
            ("oci://registry.example/a:1:2", E::Tag),
            ("oci://registry.example/a:1/2", E::Tag),
            ("oci://registry.example/a:1@sha256:00", E::Digest),
            ("oci://registry.example/a@sha512:00", E::Digest),
            ("oci://registry.example/a", E::Open),
            (&format!("oci://{long}/a:1"), E::Registry),
            (&format!("oci://r.example/{long}:1"), E::Name),
            (&format!("oci://r.example/a:{long}"), E::Tag),
        ] {
            assert_eq!(text.parse::<Reference>(), Err(error), "{text}");
        }
    }

    #[test]
    fn loopback_is_this_machine_alone() {
        for registry in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "127.9.9.9",
            "[::1]:5000",
        ] {
            assert!(is_loopback(registry), "{registry}");
        }
        for registry in [
            "localhost.example",
            "127.0.0.1.example",
            "10.0.0.1:5000",
            "[fe80::1]",
        ] {
            assert!(!is_loopback(registry), "{registry}");
        }
    }
}
