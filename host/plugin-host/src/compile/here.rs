//! Compiling in this very process: for a plug-in's author alone, see
//! [`crate::PluginHost::start_for_author`].

use super::CompileError;
use crate::apart::apart;
use crate::engine;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use wasmtime::Engine;

/// Compiles with the settings that server and compiling child share, so that what comes out is what
/// a server would run.
pub(super) async fn compile(component: Arc<[u8]>, mut output: File) -> Result<(), CompileError> {
    let work = move || {
        let engine = Engine::new(&engine::shared_settings())
            .map_err(|error| CompileError::Refused(format!("{error:#}")))?;
        let compiled = engine
            .precompile_component(&component)
            .map_err(|error| CompileError::Refused(format!("{error:#}")))?;
        output
            .write_all(&compiled)
            .map_err(CompileError::io("keep what was compiled"))
    };
    let ended = apart("compiling", work).await;
    ended.map_err(|why| CompileError::io("compile in this process")(io::Error::other(why)))?
}
