//! Reads JSON, and says where it has another form than what was asked for.

use crate::finding::Finding;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use std::fmt::Write as _;

/// Reads a value. If it has another form, the finding has this code and the place.
pub(crate) fn read<T: DeserializeOwned>(
    json: &serde_json::Value,
    code: &str,
) -> Result<T, Vec<Finding>> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let pointer = pointer(error.path());
        let text = crate::text::plain(&error.inner().to_string()).into_owned();
        vec![Finding::error(pointer, code, text)]
    })
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        // Writing to a string does not fail.
        let _ = match segment {
            Segment::Seq { index } => write!(pointer, "/{index}"),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                write!(pointer, "/{}", name.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Unknown => Ok(()),
        };
    }
    pointer
}
