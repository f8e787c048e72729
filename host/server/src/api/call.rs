//! What plug-ins were asked about deliveries.

use super::number;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use muster_api::plugin::call::{PluginCallLimits, PluginCallView};
use muster_api::problem::ProblemDocument;
use muster_app::calls::{Asked, PluginCall, Wish};
use muster_app::{Administrator, App};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

/// Which call is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallQuery {
    /// `translate`, which made the device's command, or `interpret`, which said what its report means
    /// and is taken if left out.
    function: Option<String>,
}

/// What the plug-in was asked about a delivery, for its author to ask the same. If the settings could not
/// be brought up to the plug-in's schema, it is the call that was to do that: `migrate`.
#[utoipa::path(get, path = "/api/v1/runs/{run}/deliveries/{device}/call", tag = "runs",
    params(("run" = i64, Path), ("device" = u32, Path), CallQuery),
    responses(
        (status = 200, body = PluginCallView),
        (status = 404, body = ProblemDocument),
        (status = 409, description = "the device has not reported, or no plug-in is loaded", body = ProblemDocument),
    ))]
pub(crate) async fn delivery_call_show(
    app: App,
    who: Administrator,
    Path((run, device)): Path<(String, String)>,
    Query(query): Query<CallQuery>,
) -> Result<Json<PluginCallView>, Problem> {
    let wish = match query.function.as_deref() {
        None | Some("interpret") => Wish::Interpret,
        Some("translate") => Wish::Translate,
        Some(other) => {
            let detail = format!("`function` is translate or interpret, not {other:?}");
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "query-invalid",
                detail,
            ));
        }
    };
    let (run, device) = (number("run", &run)?, number("device", &device)?);
    Ok(Json(view(
        app.delivery_call(&who, run, device, wish).await?,
    )))
}

fn view(call: PluginCall) -> PluginCallView {
    let function = call.asked.function().to_string();
    let (profiles, reports) = match call.asked {
        Asked::Migrate => (Vec::new(), Vec::new()),
        Asked::Translate(profile) => (vec![json!(profile)], Vec::new()),
        Asked::Interpret(report) => (Vec::new(), vec![json!(report)]),
    };
    PluginCallView {
        format: PluginCallView::FORMAT,
        digest: call.digest.to_string(),
        application: call.description.application.to_string(),
        version: call.description.version.to_string(),
        pure: call.pure,
        function,
        task_type: call.task_type.id.to_string(),
        schema_version: call.schema_version,
        settings: call.settings,
        removed: call.removed,
        profiles,
        reports,
        limits: PluginCallLimits {
            memory: call.memory as u64,
            time: call.time,
        },
    }
}
