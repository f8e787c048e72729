//! Releases, as the slot's words tell them apart: `1.0.0`, or `2.0.0 schema-2 devices-3`.

use crate::slot;

/// What a release is like.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word that may be there or not"
)]
pub struct Release {
    /// The plug-in's version.
    pub version: String,
    /// `schema-2`: settings follow version 2 of the schema.
    pub renamed: bool,
    /// `same-command`: whatever the schema, a device gets what it got from the first release.
    pub same_command: bool,
    /// `devices-3`: it knows devices whose application has major version 3 or 4. All, if not said.
    pub devices: Option<u64>,
    /// `destructive`: sweeping takes something away.
    pub destructive: bool,
    /// `secrets`: it hands secrets to the device.
    pub secrets: bool,
    /// `loops`: it never ends looking at settings for the folder `/loop`.
    pub loops: bool,
}

/// The release that this component is.
pub fn release() -> Release {
    read(&text())
}

fn read(text: &str) -> Release {
    let mut release = Release {
        version: "1.0.0".into(),
        renamed: false,
        same_command: false,
        devices: None,
        destructive: false,
        secrets: false,
        loops: false,
    };
    for word in text.split_ascii_whitespace() {
        match word {
            "schema-2" => release.renamed = true,
            "same-command" => release.same_command = true,
            "destructive" => release.destructive = true,
            "secrets" => release.secrets = true,
            "loops" => release.loops = true,
            _ => match word.strip_prefix("devices-") {
                Some(number) => release.devices = number.parse().ok(),
                None => release.version = word.into(),
            },
        }
    }
    release
}

fn text() -> String {
    #[cfg(target_arch = "wasm32")]
    let slot = guest_slot::read();
    #[cfg(not(target_arch = "wasm32"))]
    let slot = *slot::SLOT;
    if slot.starts_with(slot::SLOT) {
        return String::new();
    }
    let text: Vec<u8> = slot.iter().copied().take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(target_arch = "wasm32")]
mod guest_slot {
    #![allow(
        unsafe_code,
        reason = "the bytes are written by whoever loads the component"
    )]

    use crate::slot::{SLOT, SLOT_BYTES};

    #[unsafe(no_mangle)]
    static mut RELEASE: [u8; SLOT_BYTES] = {
        let mut slot = [0; SLOT_BYTES];
        let (beginning, _) = slot.split_at_mut(SLOT.len());
        beginning.copy_from_slice(SLOT);
        slot
    };

    /// As the bytes are, not as the compiler saw them.
    pub(crate) fn read() -> [u8; SLOT_BYTES] {
        unsafe { std::ptr::read_volatile(&raw const RELEASE) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_make_a_release() {
        let release = read("2.0.0 schema-2 devices-3");
        assert_eq!(
            (release.version.as_str(), release.renamed, release.devices),
            ("2.0.0", true, Some(3))
        );
        assert_eq!(read("").version, "1.0.0");
    }
}
