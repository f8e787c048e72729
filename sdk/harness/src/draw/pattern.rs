//! Texts that match a regular expression, as far as it is a plain one.

use super::Draw;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Bytes after which no more is repeated.
const ENOUGH: usize = 300;

/// A text that matches, if the pattern can be read. One with look-around may get a text that does not.
pub(crate) fn matching(draw: &mut Draw, pattern: &str) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut text = String::new();
    add(draw, &hir, &mut text);
    Some(text)
}

fn add(draw: &mut Draw, hir: &Hir, text: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => text.extend(character(draw, class)),
        HirKind::Capture(capture) => add(draw, &capture.sub, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| add(draw, part, text)),
        HirKind::Alternation(ways) => {
            if let Some(way) = draw.one_of(ways) {
                add(draw, way, text);
            }
        }
        HirKind::Repetition(repeated) => {
            let least = repeated.min as usize;
            let most = repeated
                .max
                .map_or(least + 8, |most| most as usize)
                .min(least + 8);
            let times = least + draw.below(most - least + 1);
            for number in 0..times {
                if number >= least && text.len() > ENOUGH {
                    break;
                }
                add(draw, &repeated.sub, text);
            }
        }
    }
}

fn character(draw: &mut Draw, class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else {
        return Some('x');
    };
    let ranges = class.ranges();
    // Mostly what people write; the whole range is wide.
    let plain: Vec<char> = (' '..='~')
        .filter(|c| {
            ranges
                .iter()
                .any(|range| (range.start()..=range.end()).contains(c))
        })
        .collect();
    if !draw.once_in(8) && !plain.is_empty() {
        return draw.one_of(&plain).copied();
    }
    let range = draw.one_of(ranges)?;
    let (first, last) = (u32::from(range.start()), u32::from(range.end()));
    char::from_u32(first + u32::try_from(draw.below((last - first) as usize + 1)).unwrap_or(0))
        .or(Some(range.start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_matches() {
        let mut draw = Draw::new(3, "pattern");
        for pattern in [
            "^/[^/\\x00]*$",
            "^[a-z0-9]{3,8}(-[a-z]+)?$",
            ": .+ FOUND$",
            "^(a|b)+\\d{2}$",
        ] {
            let regex = regex::Regex::new(pattern).unwrap();
            for _ in 0..100 {
                let text = matching(&mut draw, pattern).unwrap();
                assert!(regex.is_match(&text), "{pattern}: {text:?}");
            }
        }
        assert_eq!(matching(&mut draw, "("), None);
    }
}
