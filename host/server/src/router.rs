//! Every route on one screen.
//!
//! The table makes the router and the `OpenAPI` document, so that neither has what the other lacks.
//! `open` are those that need no administrator's token; a test asks all others without one.

use crate::agents::{enroll, link};
use crate::api::{
    administrator, call, device, enrollment_token, event, forecast, group, health, objects, plugin,
    plugin_health, revision, run, secret, selection, server, tag, task, trust, user, window,
};
use crate::edge::Edge;
use crate::openapi::Token;
use crate::problem::Problem;
use crate::request;
use axum::http::StatusCode;
use axum::routing::{delete, get, patch, post, put};
use axum::{Router, middleware};
use muster_agent_protocol::{ENROLL_PATH, LINK_PATH};
use utoipa::OpenApi;

/// A route: who may ask, method, path.
#[cfg(test)]
type Route = (&'static str, &'static str, &'static str);

macro_rules! routes {
    ($($who:ident $method:ident $path:literal $noun:ident :: $handler:ident;)*) => {
        /// The routes of people and programs; agents have two of their own.
        #[cfg(test)]
        const ROUTES: &[Route] = &[$((stringify!($who), stringify!($method), $path)),*];

        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "Muster",
                description = "Administers security applications on devices through tasks. Errors are problem documents (RFC 9457).",
            ),
            paths($($noun::$handler),*),
            modifiers(&Token),
        )]
        pub(crate) struct Document;

        fn table() -> Router<Edge> {
            Router::new()$(.route($path, $method($noun::$handler)))*
        }
    };
}

routes! {
    open          get    "/healthz"                      health::health_show;
    open          get    "/readyz"                       health::ready_show;
    local         get    "/metrics"                      health::metrics_show;

    open          get    "/api/v1/ca"                    server::ca_show;
    open          get    "/api/v1/openapi.json"          server::openapi_show;
    administrator get    "/api/v1/server"                server::server_show;
    administrator get    "/api/v1/administrators"        administrator::administrator_list;
    administrator post   "/api/v1/administrators"        administrator::administrator_create;
    administrator delete "/api/v1/administrators/{name}" administrator::administrator_remove;

    administrator get    "/api/v1/plugins"               plugin::plugin_list;
    administrator post   "/api/v1/plugins"               plugin::plugin_install;
    administrator get    "/api/v1/plugins/{application}" plugin::plugin_show;
    administrator delete "/api/v1/plugins/{application}" plugin::plugin_remove;
    administrator get    "/api/v1/plugins/{application}/health" plugin_health::plugin_health_show;
    administrator get    "/api/v1/plugins/{application}/removal" revision::plugin_removal;
    administrator post   "/api/v1/plugins/{application}/rollback" revision::plugin_rollback;
    administrator get    "/api/v1/plugins/{application}/revisions" revision::revision_list;
    administrator get    "/api/v1/plugins/{application}/revisions/{digest}/plan" revision::revision_plan;
    administrator post   "/api/v1/plugins/{application}/revisions/{digest}/activate" revision::revision_activate;
    administrator put    "/api/v1/plugins/{application}/revisions/{digest}/shadow" revision::revision_shadow;
    administrator delete "/api/v1/plugins/{application}/revisions/{digest}/shadow" revision::revision_shadow_end;
    administrator get    "/api/v1/plugins/{application}/revisions/{digest}/grants" revision::revision_grant_list;
    administrator patch  "/api/v1/plugins/{application}/revisions/{digest}/grants" revision::revision_grant_change;
    administrator get    "/api/v1/plugin-uploads"        revision::upload_list;
    administrator get    "/api/v1/plugins/{application}/grants" plugin::grant_list;
    administrator patch  "/api/v1/plugins/{application}/grants" plugin::grant_change;

    administrator get    "/api/v1/trust"                 trust::trust_show;
    administrator put    "/api/v1/trust/policy"          trust::trust_policy_set;
    administrator put    "/api/v1/trust/root"            trust::trust_root_set;
    administrator put    "/api/v1/trust/pins/{digest}"   trust::pin_set;
    administrator delete "/api/v1/trust/pins/{digest}"   trust::pin_remove;
    administrator get    "/api/v1/trust/credentials"     trust::credential_list;
    administrator post   "/api/v1/trust/credentials"     trust::credential_add;
    administrator delete "/api/v1/trust/credentials/{credential}"        trust::credential_remove;
    administrator post   "/api/v1/trust/credentials/{credential}/rotate" trust::credential_rotate;
    administrator post   "/api/v1/trust/credentials/{credential}/expire" trust::credential_expire;
    administrator post   "/api/v1/trust/credentials/{credential}/revoke" trust::credential_revoke;
    administrator get    "/api/v1/trust/owners"          trust::owner_list;
    administrator put    "/api/v1/trust/owners/{application}" trust::owner_move;
    administrator delete "/api/v1/trust/owners/{application}" trust::owner_release;
    administrator get    "/api/v1/trust/revocations"     trust::revocations_list;
    administrator post   "/api/v1/trust/revocations"     trust::revocations_import;

    administrator get    "/api/v1/devices"               device::device_list;
    administrator get    "/api/v1/devices/{device}"      device::device_show;
    administrator patch  "/api/v1/devices/{device}"      device::device_change;
    administrator delete "/api/v1/devices/{device}"      device::device_remove;
    administrator post   "/api/v1/devices/{device}/wake" device::device_wake;
    administrator get    "/api/v1/devices/{device}/tags" tag::tag_list;
    administrator patch  "/api/v1/devices/{device}/tags" tag::tag_change;
    administrator post   "/api/v1/enrollment-tokens"     enrollment_token::enrollment_token_create;

    administrator get    "/api/v1/groups"                group::group_list;
    administrator post   "/api/v1/groups"                group::group_create;
    administrator get    "/api/v1/groups/{group}"        group::group_show;
    administrator patch  "/api/v1/groups/{group}"        group::group_change;
    administrator put    "/api/v1/groups/{group}/users"  user::user_policy_set;
    administrator delete "/api/v1/groups/{group}"        group::group_remove;

    administrator get    "/api/v1/windows"               window::window_list;
    administrator post   "/api/v1/windows"               window::window_create;
    administrator get    "/api/v1/windows/{window}"      window::window_show;
    administrator patch  "/api/v1/windows/{window}"      window::window_change;
    administrator delete "/api/v1/windows/{window}"      window::window_remove;

    administrator get    "/api/v1/selections"            selection::selection_list;
    administrator post   "/api/v1/selections"            selection::selection_create;
    administrator post   "/api/v1/selections/try"        selection::selection_try;
    administrator get    "/api/v1/selections/{selection}" selection::selection_show;
    administrator put    "/api/v1/selections/{selection}" selection::selection_change;
    administrator delete "/api/v1/selections/{selection}" selection::selection_remove;
    administrator get    "/api/v1/selections/{selection}/devices" selection::selection_devices;

    administrator get    "/api/v1/secrets"               secret::secret_list;
    administrator get    "/api/v1/secrets/{secret}"      secret::secret_show;
    administrator put    "/api/v1/secrets/{secret}"      secret::secret_set;
    administrator delete "/api/v1/secrets/{secret}"      secret::secret_remove;

    administrator get    "/api/v1/tasks"                 task::task_list;
    administrator post   "/api/v1/tasks"                 task::task_create;
    administrator get    "/api/v1/tasks/export"          objects::tasks_export;
    administrator post   "/api/v1/tasks/import"          objects::tasks_import;
    administrator post   "/api/v1/tasks/plan"            forecast::task_foresee;
    administrator get    "/api/v1/tasks/{task}"          task::task_show;
    administrator get    "/api/v1/tasks/{task}/plan"     forecast::task_forecast;
    administrator patch  "/api/v1/tasks/{task}"          task::task_change;
    administrator delete "/api/v1/tasks/{task}"          task::task_delete;
    administrator get    "/api/v1/tasks/{task}/revisions" task::task_revision_list;
    administrator get    "/api/v1/tasks/{task}/user-changes" user::user_edit_list;
    administrator get    "/api/v1/tasks/{task}/compare"  task::task_compare;
    administrator post   "/api/v1/tasks/{task}/approve"  task::task_approve;
    administrator post   "/api/v1/tasks/{task}/rollback" task::task_rollback;
    administrator get    "/api/v1/tasks/{task}/export"   objects::task_export;
    administrator post   "/api/v1/tasks/{task}/copy"     task::task_copy;
    administrator post   "/api/v1/tasks/{task}/start"    task::task_start;
    administrator post   "/api/v1/tasks/{task}/stop"     task::task_stop;

    administrator get    "/api/v1/runs"                  run::run_list;
    administrator get    "/api/v1/runs/{run}"            run::run_show;
    administrator post   "/api/v1/runs/{run}/stop"       run::run_stop;
    administrator post   "/api/v1/runs/{run}/again"      run::run_again;
    administrator post   "/api/v1/runs/{run}/pause"      run::run_pause;
    administrator post   "/api/v1/runs/{run}/resume"     run::run_resume;
    administrator post   "/api/v1/runs/{run}/continue"   run::run_continue;
    administrator get    "/api/v1/runs/{run}/deliveries" run::delivery_list;
    administrator get    "/api/v1/runs/{run}/deliveries/{device}/call" call::delivery_call_show;
    administrator get    "/api/v1/runs/{run}/stream"     run::run_stream;

    administrator get    "/api/v1/objects"               objects::objects_export;
    administrator post   "/api/v1/objects"               objects::objects_apply;

    administrator get    "/api/v1/events"                event::event_list;
    administrator post   "/api/v1/events"                event::event_create;
    administrator get    "/api/v1/events/stream"         event::event_stream;
}

/// The whole edge.
pub(crate) fn router(edge: Edge) -> Router {
    table()
        .route(ENROLL_PATH, post(enroll::device_enroll))
        .route(LINK_PATH, get(link::link_open))
        .method_not_allowed_fallback(async || {
            let detail =
                "this method does nothing at this address; the header Allow names those that do";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
        })
        .fallback(async |address: axum::http::Uri| {
            let path: String = address.path().chars().take(200).collect();
            let detail =
                format!("there is nothing at {path:?}; /api/v1/openapi.json tells what there is");
            Problem::new(StatusCode::NOT_FOUND, "route-unknown", detail)
        })
        .layer(middleware::from_fn_with_state(
            edge.clone(),
            request::around,
        ))
        .with_state(edge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::path::Operation;

    #[test]
    fn every_route_is_in_the_document_and_says_who_may_ask() {
        let paths = serde_json::to_value(Document::openapi().paths).unwrap();
        let mut told = 0;
        for (who, method, path) in ROUTES {
            let operation = &paths[path][method];
            assert!(
                operation.is_object(),
                "{method} {path} is not in the document"
            );
            let operation: Operation = serde_json::from_value(operation.clone()).unwrap();
            assert_eq!(
                operation.security.is_some(),
                *who == "open",
                "{method} {path}"
            );
            told += 1;
        }
        let all: usize = paths
            .as_object()
            .unwrap()
            .values()
            .map(|path| path.as_object().unwrap().len())
            .sum();
        assert_eq!(told, all, "the document has paths that lead nowhere");
    }
}
