//! `muster plugin install`: from files, bundles and registries.

use super::grant::Said;
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct Install {
    /// Components, with their statements and signatures beside them; bundles; or references to
    /// registries, as `oci://registry/name:tag@sha256:…`, which the server fetches
    #[arg(required = true, value_name = "FILE|REFERENCE")]
    sources: Vec<Source>,
    /// Fetch from registries on this machine, for a server that reaches none
    #[arg(long)]
    here: bool,
    /// Put it to work in place of another revision, if that changes nothing on devices
    #[arg(long)]
    auto: bool,
    /// Take a version that is lower than that at work
    #[arg(long)]
    allow_downgrade: bool,
    /// Leave it ready in any case
    #[arg(long)]
    hold: bool,
    #[command(flatten)]
    said: Said,
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
            return self.upload(context, release(source)?).await;
        }
        let reference: Reference = text
            .parse()
            .map_err(|error| Failure::Usage(format!("{text}: {error}")))?;
        if !self.here {
            let body = json!(PluginSource { source: text }).to_string();
            return self
                .post(context, "application/json", body.into_bytes())
                .await;
        }
        let pulled = self.access.pull(&reference).await?;
        context.out.note(&format!("Pulled {}.", pulled.pinned));
        self.upload(context, pulled.bundle).await
    }

    /// Uploads a release; a component that nothing was said of goes as it is.
    async fn upload(&self, context: &Context, release: Bundle) -> Result<Answer, Failure> {
        if release.statement.is_none() {
            let component = release.component;
            return self.post(context, "application/wasm", component).await;
        }
        let bundle = release.write()?;
        self.post(context, bundle::MEDIA_TYPE, bundle).await
    }

    async fn post(
        &self,
        context: &Context,
        media_type: &str,
        body: Vec<u8>,
    ) -> Result<Answer, Failure> {
        let said = [
            ("auto", self.auto),
            ("allow-downgrade", self.allow_downgrade),
            ("hold", self.hold),
        ];
        let said = said.into_iter().filter(|(_, said)| *said);
        let mut query = self.said.query();
        query.extend(said.map(|(name, _)| (name, "true".to_owned())));
        let answer = context
            .client
            .post_bytes("/plugins", &query, media_type, body);
        Ok(answer.await?)
    }
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
    if let Some(source) = &view.source {
        context.out.text(&format!("from {source}"))?;
    }
    match &view.plan {
        Some(plan) if view.state != "active" => {
            context
                .out
                .text("It is ready, and another revision stays at work:")?;
            super::revision::plan(context, plan)
        }
        _ if view.state == "ready" => {
            let why = view
                .reason
                .as_deref()
                .unwrap_or("nobody put it to work yet");
            context.out.text(&format!("It is ready, and waits: {why}"))
        }
        _ => Ok(()),
    }
}
