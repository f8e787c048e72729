//! How the calls of a plug-in go.

use super::value;
use crate::edge::Path;
use crate::problem::Problem;
use axum::Json;
use muster_api::plugin::health::{
    BucketView, FunctionHealthView, LastFaultView, OutcomeCountView, PluginHealthView, SpreadView,
};
use muster_api::problem::ProblemDocument;
use muster_app::{Administrator, App};
use muster_plugin_host::{BOUNDS, FunctionHealth, Plugin, Spread};

/// How the calls of an application's plug-in went since it was loaded.
#[utoipa::path(get, path = "/api/v1/plugins/{application}/health", tag = "plugins",
    params(("application" = String, Path)),
    responses(
        (status = 200, body = PluginHealthView),
        (status = 409, description = "no plug-in is loaded", body = ProblemDocument),
    ))]
pub(crate) async fn plugin_health_show(
    app: App,
    who: Administrator,
    Path(application): Path<String>,
) -> Result<Json<PluginHealthView>, Problem> {
    let plugin = app.plugin_running(&who, &value(&application)?).await?;
    Ok(Json(view(&plugin)))
}

fn view(plugin: &Plugin) -> PluginHealthView {
    let description = plugin.description();
    let (memory_limit, time_limit) = plugin.limits();
    let functions = plugin.health();
    PluginHealthView {
        application: description.application.to_string(),
        version: description.version.to_string(),
        digest: plugin.digest().to_string(),
        memory_limit: memory_limit as u64,
        functions: functions
            .iter()
            .map(|health| {
                let limit = time_limit(health.function).as_millis();
                function(health, u64::try_from(limit).unwrap_or(u64::MAX))
            })
            .collect(),
        last_fault: plugin.last_fault().map(|fault| LastFaultView {
            function: fault.function.to_string(),
            outcome: fault.failure.outcome().into(),
            text: fault.failure.to_string(),
            at: fault.at,
        }),
    }
}

fn function(health: &FunctionHealth, time_limit: u64) -> FunctionHealthView {
    FunctionHealthView {
        function: health.function.to_string(),
        calls: health.calls(),
        outcomes: health
            .outcomes
            .iter()
            .map(|(outcome, calls)| OutcomeCountView {
                outcome: (*outcome).into(),
                calls: *calls,
            })
            .collect(),
        time_limit,
        took: spread(&health.took),
        waited: spread(&health.waited),
        instantiate: spread(&health.instantiate),
        memory: health.memory,
        bytes_in: health.bytes_in,
        log_dropped: health.log_dropped,
    }
}

fn spread(spread: &Spread) -> SpreadView {
    let count = spread.count();
    let bounds = BOUNDS.iter().map(|bound| Some(*bound)).chain([None]);
    SpreadView {
        count,
        #[expect(
            clippy::cast_precision_loss,
            reason = "a mean of more than 2^52 calls may be off in its last digit"
        )]
        mean: if count == 0 {
            0.0
        } else {
            spread.sum.as_secs_f64() * 1e6 / count as f64
        },
        half: spread.at_most(500),
        most: spread.at_most(990),
        buckets: bounds
            .zip(spread.buckets)
            .map(|(at_most, count)| BucketView { at_most, count })
            .collect(),
    }
}
