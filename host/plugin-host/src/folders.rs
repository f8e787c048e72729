//! Where the plug-in host keeps what is its own.

use std::path::PathBuf;

/// The folders of the plug-in host.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Compiled components, and the key that marks them as ours. Made if missing, with access for
    /// this user alone; nobody else may ever write here, since what lies here is run as code.
    pub private: PathBuf,
    /// The applications' own folders, for plug-ins that are granted `files`: each is named by the
    /// application. Made if missing, with access for this user alone.
    pub files: PathBuf,
}
