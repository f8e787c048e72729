//! Modules and components, section by section.

use crate::leb;

/// A file that is no module and no component, or is cut short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no WebAssembly file, or is damaged, at byte {at}")]
pub struct Damaged {
    /// Where.
    pub at: usize,
}

/// `\0asm`, the version and the layer.
pub(crate) const HEADER: usize = 8;

/// What a section is, on whichever layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Custom,
    /// A module or a component that stands in this one.
    Nested,
    Other,
}

/// One section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section<'a> {
    pub(crate) kind: Kind,
    id: u8,
    pub(crate) content: &'a [u8],
}

impl<'a> Section<'a> {
    /// The name of a custom section.
    pub(crate) fn name(&self) -> Option<&'a str> {
        let (name, _) = self.parts()?;
        std::str::from_utf8(name).ok()
    }

    /// What stands in a custom section behind its name.
    pub(crate) fn data(&self) -> &'a [u8] {
        self.parts().map_or(&[], |(_, data)| data)
    }

    fn parts(&self) -> Option<(&'a [u8], &'a [u8])> {
        if self.kind != Kind::Custom {
            return None;
        }
        let (length, begin) = leb::read(self.content)?;
        self.content.get(begin..)?.split_at_checked(length)
    }

    /// Writes it with another content.
    pub(crate) fn write(&self, out: &mut Vec<u8>, content: &[u8]) {
        write(out, self.id, content);
    }
}

fn write(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    out.push(id);
    leb::write(out, content.len());
    out.extend_from_slice(content);
}

/// Writes a custom section.
pub(crate) fn write_custom(out: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut whole = Vec::with_capacity(content.len() + name.len() + 5);
    leb::write_text(&mut whole, name);
    whole.extend_from_slice(content);
    write(out, 0, &whole);
}

/// All sections of a module or a component.
pub(crate) fn sections(file: &[u8]) -> Result<Vec<Section<'_>>, Damaged> {
    let header = file
        .get(..HEADER)
        .filter(|header| header.starts_with(b"\0asm"));
    let header = header.ok_or(Damaged { at: 0 })?;
    let is_component = header.get(6).is_some_and(|layer| *layer == 1);
    let mut found = Vec::new();
    let mut at = HEADER;
    while let Some(id) = file.get(at) {
        let damaged = Damaged { at };
        let rest = file.get(at + 1..).unwrap_or_default();
        let (length, begin) = leb::read(rest).ok_or(damaged.clone())?;
        let end = begin.checked_add(length).ok_or(damaged.clone())?;
        let content = rest.get(begin..end).ok_or(damaged)?;
        let kind = match *id {
            0 => Kind::Custom,
            1 | 4 if is_component => Kind::Nested,
            _ => Kind::Other,
        };
        found.push(Section {
            kind,
            id: *id,
            content,
        });
        at += 1 + end;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_told_apart() {
        let file = wat::parse_str(r#"(component (core module) (@custom "x" "abc"))"#).unwrap();
        let found = sections(&file).unwrap();
        assert_eq!(
            found.iter().filter(|one| one.kind == Kind::Nested).count(),
            1
        );
        assert_eq!(found.iter().find_map(Section::name), Some("x"));
    }

    #[test]
    fn what_is_cut_short_is_told() {
        let file = wat::parse_str("(module (func))").unwrap();
        assert_eq!(sections(b"\0as").unwrap_err().at, 0);
        let cut = file.get(..file.len() - 1).unwrap();
        assert!(sections(cut).unwrap_err().at >= HEADER);
    }
}
