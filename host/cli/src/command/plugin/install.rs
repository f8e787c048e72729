//! `muster plugin install`: from files, bundles and registries.

use super::release::files::release;
use super::release::registry::Access;
use crate::client::Answer;
use crate::command::Context;
use crate::failure::Failure;
use crate::input::Source;
use clap::Args;
use muster_api::plugin::{PluginSource, PluginView};
use muster_release::bundle::{self, Bundle};
use muster_release::registry::Reference;
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Components, with their statements and signatures beside them; bundles; or references to
    /// registries, as `oci://registry/name:tag@sha256:…`, which the server fetches
    #[arg(required = true, value_name = "FILE|REFERENCE")]
    sources: Vec<Source>,
    /// Fetch from registries on this machine, for a server that reaches none
    #[arg(long)]
    here: bool,
    #[command(flatten)]
    access: Access,
}

impl Install {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut installed = Vec::new();
        for source in &self.sources {
            let answer = match self.install(context, source).await {
                Ok(answer) => answer,
                Err(error) => {
                    context.out.note(&format!("{source} was not installed."));
                    return Err(error);
                }
            };
            if !context.out.is_json() {
                told(context, &answer.view()?)?;
            }
            installed.push(answer.raw);
        }
        if !context.out.is_json() {
            return Ok(());
        }
        match installed.as_slice() {
            [one] => context.out.json(one),
            _ => context.out.json(&Value::Array(installed)),
        }
    }

    async fn install(&self, context: &Context, source: &Source) -> Result<Answer, Failure> {
        let text = source.to_string();
        if !Reference::is(&text) {
            return upload(context, release(source)?).await;
        }
        let reference: Reference = text
            .parse()
            .map_err(|error| Failure::Usage(format!("{text}: {error}")))?;
        if !self.here {
            let body = json!(PluginSource { source: text }).to_string();
            return post(context, "application/json", body.into_bytes()).await;
        }
        let pulled = self.access.pull(&reference).await?;
        context.out.note(&format!("Pulled {}.", pulled.pinned));
        upload(context, pulled.bundle).await
    }
}

/// Uploads a release; a component that nothing was said of goes as it is.
async fn upload(context: &Context, release: Bundle) -> Result<Answer, Failure> {
    if release.statement.is_none() {
        return post(context, "application/wasm", release.component).await;
    }
    post(context, bundle::MEDIA_TYPE, release.write()?).await
}

async fn post(context: &Context, media_type: &str, body: Vec<u8>) -> Result<Answer, Failure> {
    let query = vec![];
    let answer = context
        .client
        .post_bytes("/plugins", &query, media_type, body);
    Ok(answer.await?)
}

fn told(context: &Context, view: &PluginView) -> Result<(), Failure> {
    context.out.text(&format!(
        "Installed {} {} for {} ({} task types).",
        view.name,
        view.version,
        view.application,
        view.task_types.len(),
    ))?;
    context.out.text(&format!("pinned to {}", view.digest))?;
    match &view.source {
        Some(source) => context.out.text(&format!("from {source}")),
        None => Ok(()),
    }
}
