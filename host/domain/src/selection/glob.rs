//! Patterns with `*` for any characters, none included, and `?` for one.

/// Whether a text fits a pattern, ASCII letters of either case. Costs at most the product of the lengths.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().map(|c| c.to_ascii_lowercase()).collect();
    let text: Vec<char> = text.chars().map(|c| c.to_ascii_lowercase()).collect();
    let (mut p, mut t) = (0, 0);
    // Behind the last star, and how much of the text that star has taken up to.
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                p += 1;
                star = Some((p, t));
            }
            Some(wanted) if *wanted == '?' || wanted == c => {
                p += 1;
                t += 1;
            }
            _ => {
                // The last star takes one more. An earlier one need not: what fits behind it was found.
                let Some((behind, taken)) = star else {
                    return false;
                };
                star = Some((behind, taken + 1));
                (p, t) = (behind, taken + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Slow and obvious.
    fn obviously(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|taken| obviously(rest, &text[taken..])),
            Some((wanted, rest)) => text.split_first().is_some_and(|(c, left)| {
                (*wanted == '?' || wanted.eq_ignore_ascii_case(c)) && obviously(rest, left)
            }),
        }
    }

    proptest! {
        #[test]
        fn patterns_fit_what_obviously_fits(pattern in "[aB*?]{0,8}", text in "[aAb]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(fits(&pattern, &text), obviously(&chars(&pattern), &chars(&text)));
        }
    }

    #[test]
    fn a_pattern_of_stars_ends() {
        assert!(!fits(&"*a".repeat(100), &"b".repeat(2000)));
        assert!(fits("WEB-*", "web-01"));
        assert!(fits("", ""));
        assert!(!fits("", "a"));
    }
}
