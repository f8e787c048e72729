//! Texts: words, pieces of words, and what breaks readers of texts.

use super::Draw;
use super::words::Words;

/// Characters that texts are cut at, joined by, or stumble over.
const ODD: [&str; 22] = [
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{202e}",
    "\u{feff}",
    "\u{fffd}",
    "é",
    "e\u{301}",
    "ß",
    "İ",
    "漢字",
    "🦀",
    "\u{10ffff}",
    "\"",
    "\\",
    "'",
    "{}",
    "%",
];

/// A text of at most so many bytes, or a little more.
pub(crate) fn draw(draw: &mut Draw, words: &Words, most: usize) -> String {
    let text = match draw.below(12) {
        0 => String::new(),
        1..=5 => word(draw, &words.of_settings),
        6 => word(draw, &words.of_data),
        7 => {
            let word = word(draw, &words.of_settings);
            mutated(draw, &word)
        }
        8 => (0..=draw.below(6)).map(|_| odd(draw)).collect(),
        9 => format!(
            "{}{}{}",
            word(draw, &words.of_settings),
            odd(draw),
            word(draw, &words.of_settings)
        ),
        10 => draw.number().to_string(),
        _ => {
            let piece = if draw.once_in(2) {
                odd(draw)
            } else {
                word(draw, &words.of_settings)
            };
            let times = 1 + draw.below(most.min(64 << 10) / piece.len().max(1));
            piece.repeat(times)
        }
    };
    cut(text, most)
}

/// A line of a program's output.
pub(crate) fn line(draw: &mut Draw, words: &Words) -> String {
    let mut line = String::new();
    for _ in 0..=draw.below(4) {
        match draw.below(6) {
            0 => line.push_str(&(draw.number() >> draw.below(64)).to_string()),
            1 => line.push_str(&odd(draw)),
            2 => line.push_str(&word(draw, &words.of_settings)),
            _ => line.push_str(&word(draw, &words.of_data)),
        }
        if draw.once_in(2) {
            line.push_str(
                draw.one_of(&[" ", ": ", ":", " FOUND", "=", "/", "\t"])
                    .copied()
                    .unwrap_or(" "),
            );
        }
    }
    if draw.once_in(8) {
        mutated(draw, &line)
    } else {
        line
    }
}

/// A text with something in it changed.
pub(crate) fn mutated(draw: &mut Draw, text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let from = draw.below(characters.len() + 1);
    let to = from + draw.below(characters.len() + 1 - from);
    let part = |range: &[char]| range.iter().collect::<String>();
    let (head, rest) = characters.split_at(from);
    let (middle, tail) = rest.split_at(to - from);
    let (head, middle, tail) = (part(head), part(middle), part(tail));
    match draw.below(4) {
        0 => head + &tail,
        1 => head + &middle + &middle + &tail,
        2 => head + &odd(draw) + &tail,
        _ => head + &middle + &odd(draw) + &tail,
    }
}

fn odd(draw: &mut Draw) -> String {
    draw.one_of(&ODD).copied().unwrap_or_default().to_owned()
}

fn word(draw: &mut Draw, words: &[String]) -> String {
    draw.one_of(words).cloned().unwrap_or_default()
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(
            (0..=most)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0),
        );
    }
    text
}
