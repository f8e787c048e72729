//! Masking: no secret that a command was given is in what its steps put out, as far as that is kept,
//! sent or looked at.
//!
//! A value is known as it is, and in the ways in which programs write texts down: base64, hexadecimal,
//! as in an address, as in JSON; of one with several lines, each line.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use muster_agent_protocol::secret::Values;
use std::fmt::Write as _;
use zeroize::{Zeroize as _, Zeroizing};

/// Shorter lines of a value, and shorter values in other forms, are found where nobody wrote them.
const LEAST: usize = 8;

/// The forms of all secrets of a command.
#[derive(Default)]
pub(crate) struct Mask {
    /// The longest first, so that a part of one is not taken for the whole.
    forms: Vec<(Zeroizing<Vec<u8>>, String)>,
    /// Whether a form begins with this byte.
    begins: Vec<bool>,
}

/// One stream of output, in pieces.
#[derive(Default)]
pub(crate) struct Masked {
    /// What may be the beginning of a form.
    held: Vec<u8>,
}

impl Drop for Masked {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}

impl Mask {
    pub(crate) fn new(values: &Values) -> Self {
        let mut mask = Self {
            forms: Vec::new(),
            begins: vec![false; 256],
        };
        for (name, value) in values.iter() {
            let shown = format!("[secret {name}]");
            mask.add(value.as_bytes(), &shown);
            let lines = value.lines().map(str::trim);
            for line in lines.filter(|line| line.len() >= LEAST) {
                mask.add(line.as_bytes(), &shown);
                mask.add_written(line, &shown);
            }
            if value.len() >= LEAST {
                mask.add_written(value, &shown);
            }
        }
        let longer = |one: &(Zeroizing<Vec<u8>>, String), other: &(Zeroizing<Vec<u8>>, String)| {
            other
                .0
                .len()
                .cmp(&one.0.len())
                .then_with(|| one.0.cmp(&other.0))
        };
        mask.forms.sort_by(longer);
        mask.forms.dedup_by(|one, other| one.0 == other.0);
        for (form, _) in &mask.forms {
            if let Some(begins) = form
                .first()
                .and_then(|first| mask.begins.get_mut(usize::from(*first)))
            {
                *begins = true;
            }
        }
        mask
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    fn add(&mut self, form: &[u8], shown: &str) {
        if !form.is_empty() {
            self.forms
                .push((Zeroizing::new(form.to_vec()), shown.to_owned()));
        }
    }

    /// The ways in which a text is written down.
    fn add_written(&mut self, text: &str, shown: &str) {
        let bytes = text.as_bytes();
        let mut lower = Zeroizing::new(String::with_capacity(2 * bytes.len()));
        let mut address = Zeroizing::new(String::with_capacity(3 * bytes.len()));
        for byte in bytes {
            // Writing to a string does not fail.
            let _ = write!(lower, "{byte:02x}");
            let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
            let _ = if plain {
                write!(address, "{}", char::from(*byte))
            } else {
                write!(address, "%{byte:02X}")
            };
        }
        let upper = Zeroizing::new(lower.to_ascii_uppercase());
        let json = Zeroizing::new(serde_json::json!(text).to_string());
        let json = json.trim_matches('"');
        for form in [lower.as_str(), upper.as_str(), address.as_str(), json] {
            self.add(form.as_bytes(), shown);
        }
        for shift in 0..3 {
            // The first and the last character depend on what stands beside the value.
            let mut shifted = Zeroizing::new(vec![0; shift]);
            shifted.extend_from_slice(bytes);
            let cut = |encoded: String| {
                let encoded = Zeroizing::new(encoded);
                let from = if shift == 0 { 0 } else { shift + 1 };
                let to = shifted.len() * 8 / 6;
                Zeroizing::new(encoded.get(from..to).unwrap_or_default().to_owned())
            };
            for form in [
                cut(STANDARD_NO_PAD.encode(&*shifted)),
                cut(URL_SAFE_NO_PAD.encode(&*shifted)),
            ] {
                self.add(form.as_bytes(), shown);
            }
        }
    }

    /// The next piece of a stream, masked. What may be the beginning of a form waits for the next one.
    pub(crate) fn pass(&self, stream: &mut Masked, bytes: &[u8]) -> Vec<u8> {
        let mut text = Zeroizing::new(std::mem::take(&mut stream.held));
        text.extend_from_slice(bytes);
        self.masked(stream, &text, false)
    }

    /// What is left of a stream, at its end.
    pub(crate) fn finish(&self, stream: &mut Masked) -> Vec<u8> {
        let text = Zeroizing::new(std::mem::take(&mut stream.held));
        self.masked(stream, &text, true)
    }

    fn masked(&self, stream: &mut Masked, text: &[u8], whole: bool) -> Vec<u8> {
        let mut passed = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((first, after)) = rest.split_first() {
            if self.begins.get(usize::from(*first)) == Some(&true) {
                let begun = |(form, _): &&(Zeroizing<Vec<u8>>, String)| {
                    form.len() > rest.len() && form.starts_with(rest)
                };
                // A longer form may still come of it.
                if !whole && self.forms.iter().any(|form| begun(&form)) {
                    stream.held.extend_from_slice(rest);
                    return passed;
                }
                let found = self.forms.iter().find(|(form, _)| rest.starts_with(form));
                if let Some((form, shown)) = found {
                    passed.extend_from_slice(shown.as_bytes());
                    rest = rest.get(form.len()..).unwrap_or_default();
                    continue;
                }
            }
            passed.push(*first);
            rest = after;
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask(values: &[(&str, &str)]) -> Mask {
        let mut all = Values::default();
        for (name, value) in values {
            all.insert((*name).to_owned(), Zeroizing::new((*value).to_owned()));
        }
        Mask::new(&all)
    }

    fn through(mask: &Mask, pieces: &[&[u8]]) -> String {
        let mut stream = Masked::default();
        let mut out: Vec<u8> = Vec::new();
        for piece in pieces {
            out.extend(mask.pass(&mut stream, piece));
        }
        out.extend(mask.finish(&mut stream));
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_value_is_masked_in_every_form_and_in_pieces() {
        let value = "hunter2/ä+\"x";
        let mask = mask(&[("proxy", value)]);
        let hex = value.bytes().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let user = base64::engine::general_purpose::STANDARD.encode(format!("anna:{value}"));
        for text in [
            value.to_owned(),
            hex.to_uppercase(),
            hex,
            "hunter2%2F%C3%A4%2B%22x".to_owned(),
            "hunter2/ä+\\\"x".to_owned(),
        ] {
            let out = through(&mask, &[b"a ", text.as_bytes(), b" b"]);
            assert_eq!(out, "a [secret proxy] b", "{text}");
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(through(&mask, &bytes), "[secret proxy]");
        }
        let out = through(&mask, &[b"Basic ", user.as_bytes()]);
        assert!(
            out.contains("[secret proxy]") && !out.contains(user.get(8..20).unwrap()),
            "{out}"
        );
    }

    #[test]
    fn what_only_begins_like_one_passes() {
        let mask = mask(&[("a", "aab"), ("long", "aabaabaac")]);
        assert_eq!(through(&mask, &[b"aa", b"abaab"]), "a[secret a][secret a]");
        assert_eq!(through(&mask, &[b"aabaaba", b"ac."]), "[secret long].");
        assert_eq!(through(&mask, &[b"aa"]), "aa");
        assert_eq!(through(&Mask::default(), &[b"aab"]), "aab");
    }

    #[test]
    fn each_line_of_a_long_value_is_masked() {
        let key = "-----BEGIN X-----\nMIIEabcdef0123\nAQ==\n";
        let mask = mask(&[("key", key)]);
        let out = through(&mask, &[b"  MIIEabcdef0123\r\n"]);
        assert_eq!(out, "  [secret key]\r\n");
    }

    proptest! {
        #[test]
        fn nothing_is_left_however_it_comes(
            value in "[ab]{4,12}",
            before in "[ab ]{0,20}",
            after in "[ab ]{0,20}",
            size in 1_usize..9,
        ) {
            let mask = mask(&[("x", &value)]);
            let text = format!("{before}{value}{after}");
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let out = through(&mask, &pieces);
            prop_assert!(!out.contains(&value), "{}", out);
            prop_assert_eq!(through(&mask, &[text.as_bytes()]), out);
        }
    }
}
