//! Settings: from JSON text to a type of the plug-in's own.

use crate::{Finding, Level, pointer_of};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use std::fmt::Display;

/// Reads settings. The host has checked them with the schema already, so a failure means that the
/// schema and the type disagree; it still names the place.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Finding> {
    serde_json::from_str(text).map_err(|_| unreadable::<T>(text))
}

// Reading keeps no track of where it is, because that costs time; only what failed is read again.
#[cold]
fn unreadable<T: DeserializeOwned>(text: &str) -> Finding {
    let mut json = serde_json::Deserializer::from_str(text);
    let (pointer, cause) = match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Ok(_) => (String::new(), "there is text after the settings".into()),
        Err(error) => (pointer(error.path()), error.inner().to_string()),
    };
    Finding {
        level: Level::Error,
        pointer,
        code: "settings-unreadable".into(),
        text: format!("The plug-in cannot read the settings: {cause}."),
        params: Vec::new(),
    }
}

fn pointer(path: &Path) -> String {
    let steps: Vec<&dyn Display> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index as &dyn Display),
            Segment::Map { key } => Some(key as &dyn Display),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect();
    pointer_of(&steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    struct Settings {
        #[expect(dead_code, reason = "only read")]
        paths: Vec<String>,
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_place() {
        let at = |text| read::<Settings>(text).unwrap_err().pointer;
        assert_eq!(at(r#"{"paths": ["/a", 7]}"#), "/paths/1");
        assert_eq!(at("{}"), "");
        assert_eq!(at(r#"{"paths": []} x"#), "");
        assert!(read::<Settings>(r#"{"paths": []}"#).is_ok());
    }
}
