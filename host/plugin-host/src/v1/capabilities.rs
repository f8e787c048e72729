//! Capabilities of major version 1: thin translation between WIT and `capability`, no rules.

use super::bindings::muster::plugin::{clock, data, files, random, types};
use crate::call::CallState;
use crate::capability::data::DataFailure;
use crate::capability::files::{FilesFailure, PrivateFolder};
use crate::capability::random::CALL as RANDOM_CALL;
use muster_domain::grant::Capability;

impl data::Host for CallState {
    fn list_files(&mut self) -> Vec<data::DataFile> {
        self.data()
            .list()
            .map(|(name, size)| data::DataFile {
                name: name.to_owned(),
                size,
                more: vec![],
            })
            .collect()
    }

    fn read(
        &mut self,
        name: String,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, data::DataFailure> {
        let part = self.data().read(&name, offset, length);
        part.map_err(|failure| match failure {
            DataFailure::NotFound => data::DataFailure::NotFound,
            DataFailure::TooLarge(most) => data::DataFailure::TooLarge(most),
        })
    }
}

// Each of these waits for the disk, or for another call of the same application that does.
impl files::Host for CallState {
    fn list_files(&mut self) -> Result<Vec<files::File>, files::FileFailure> {
        let listed = self.waiting(|state| folder(state)?.list().map_err(file_failure))?;
        let file = |(name, size)| files::File {
            name,
            size,
            more: vec![],
        };
        Ok(listed.into_iter().map(file).collect())
    }

    fn read(
        &mut self,
        name: String,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, files::FileFailure> {
        self.waiting(|state| {
            let part = folder(state)?.read(&name, offset, length);
            part.map_err(file_failure)
        })
    }

    fn write(&mut self, name: String, content: Vec<u8>) -> Result<(), files::FileFailure> {
        self.waiting(|state| {
            let folder = folder_to_change(state)?;
            folder.write(&name, &content).map_err(file_failure)
        })
    }

    fn remove(&mut self, name: String) -> Result<(), files::FileFailure> {
        self.waiting(|state| {
            let folder = folder_to_change(state)?;
            folder.remove(&name).map_err(file_failure)
        })
    }

    fn usage(&mut self) -> Result<files::Space, files::FileFailure> {
        let usage = self.waiting(|state| folder(state)?.usage().map_err(file_failure))?;
        let count = |files| u32::try_from(files).unwrap_or(u32::MAX);
        Ok(files::Space {
            bytes: usage.bytes,
            most_bytes: usage.quota.bytes,
            files: count(usage.files),
            most_files: count(usage.quota.files),
            more: vec![],
        })
    }
}

impl clock::Host for CallState {
    fn now(&mut self) -> Result<u64, clock::ClockFailure> {
        self.began().ok_or(clock::ClockFailure::Denied)
    }
}

impl random::Host for CallState {
    fn bytes(&mut self, length: u32) -> Result<Vec<u8>, random::RandomFailure> {
        if !self.may(Capability::Random) {
            return Err(random::RandomFailure::Denied);
        }
        crate::capability::random::bytes(&mut self.random_left, length)
            .ok_or(random::RandomFailure::TooLarge(RANDOM_CALL))
    }
}

fn folder(state: &CallState) -> Result<&PrivateFolder, files::FileFailure> {
    state.folder().ok_or(files::FileFailure::Denied)
}

/// The folder, with one of the call's changes counted.
fn folder_to_change(state: &mut CallState) -> Result<&PrivateFolder, files::FileFailure> {
    folder(state)?;
    if !state.changes_files() {
        return Err(files::FileFailure::ReadOnly);
    }
    state.changes_left =
        state
            .changes_left
            .checked_sub(1)
            .ok_or(files::FileFailure::TooManyChanges(
                crate::capability::files::CHANGES,
            ))?;
    folder(state)
}

fn file_failure(failure: FilesFailure) -> files::FileFailure {
    match failure {
        FilesFailure::Closed => files::FileFailure::Denied,
        FilesFailure::BadName => files::FileFailure::BadName,
        FilesFailure::NotFound => files::FileFailure::NotFound,
        FilesFailure::TooLarge(most) => files::FileFailure::TooLarge(most),
        FilesFailure::NoSpace => files::FileFailure::NoSpace,
        FilesFailure::Disk(text) => {
            tracing::warn!(%text, "a plug-in's folder could not be read or written");
            files::FileFailure::Other(types::Unforeseen {
                code: "disk-failed".to_owned(),
                text,
                more: vec![],
            })
        }
    }
}
