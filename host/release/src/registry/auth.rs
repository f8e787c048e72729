//! How a registry asks who is there: the `WWW-Authenticate` header of its refusals.

/// What a registry wants to have with each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User name and password.
    Basic,
    /// A token that is to be had elsewhere.
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

impl Challenge {
    /// The first that we can answer.
    pub(super) fn first<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        headers.into_iter().find_map(Self::read)
    }

    fn read(header: &str) -> Option<Self> {
        let header = header.trim();
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service) = (None, None);
        for (key, value) in Parameters(rest) {
            match key.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value.to_owned()),
                "service" => service = Some(value.to_owned()),
                _ => {}
            }
        }
        realm.map(|realm| Self::Bearer { realm, service })
    }
}

/// `key="value"` pairs, as far as they can be read. Values with quoted quotes have no use here and
/// end the list.
struct Parameters<'a>(&'a str);

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_start_matches([' ', '\t', ',']);
        let (key, rest) = text.split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(rest) => rest.split_once('"')?,
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        if value.contains(['\\', '"']) {
            return None;
        }
        self.0 = rest;
        Some((key.trim(), value.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str) -> Challenge {
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: Some("r".to_owned()),
        }
    }

    #[test]
    fn challenges_are_read() {
        let read = |header| Challenge::first([header]);
        assert_eq!(read("Basic realm=\"r\""), Some(Challenge::Basic));
        assert_eq!(read("basic"), Some(Challenge::Basic));
        assert_eq!(
            read(
                "Bearer realm=\"https://a.example/token\",service=\"r\",scope=\"repository:x:pull,push\""
            ),
            Some(bearer("https://a.example/token"))
        );
        assert_eq!(
            read("bearer Service=r, realm=https://a.example"),
            Some(bearer("https://a.example"))
        );
        assert_eq!(
            Challenge::first(["Negotiate", "Basic realm=x"]),
            Some(Challenge::Basic)
        );
        for header in [
            "",
            "Negotiate",
            "Bearer",
            "Bearer realm",
            "Bearer realm=\"x",
            "Bearer realm=\"a\\\"b\"",
            "Bearer realm=a\"b",
        ] {
            assert_eq!(read(header), None, "{header}");
        }
    }
}
