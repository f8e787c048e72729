//! Unknown keys in files that people write: say which known key was probably meant.

/// The known name that is most like `given`, if any is near enough to be meant.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The first key of a table that is not known, and what to do about it.
pub(crate) fn unknown_key(table: &toml::Table, known: &[&str]) -> Option<(String, String)> {
    let key = table.keys().find(|key| !known.contains(&key.as_str()))?;
    let remedy = match nearest(key, known.iter().copied()) {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => format!("known are: {}", known.join(", ")),
    };
    Some((key.clone(), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_key() {
        let known = ["connectors", "poll-seconds", "grace-seconds"];
        assert_eq!(nearest("conectors", known), Some("connectors"));
        assert_eq!(nearest("poll_seconds", known), Some("poll-seconds"));
        assert_eq!(nearest("xyzzy", known), None);
    }
}
