//! What all handlers share.

use crate::authority::Authority;
use crate::metrics::Metrics;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use muster_app::App;
use muster_plugin_host::PluginHost;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The network edge: cheap to clone, the state of the router.
#[derive(Clone)]
pub(crate) struct Edge(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) app: App,
    pub(crate) authority: Authority,
    pub(crate) plugin_host: Arc<PluginHost>,
    pub(crate) metrics: Metrics,
    /// Bytes of the largest JSON body.
    pub(crate) json_bytes: usize,
    /// Bytes of the largest import.
    pub(crate) import_bytes: usize,
    /// Bytes of the largest component.
    pub(crate) component_bytes: usize,
    /// For each piece of a body.
    pub(crate) read_time: Duration,
    /// Ends streams and links, so that a stop does not wait for them.
    pub(crate) stopping: CancellationToken,
    /// The workers of links.
    pub(crate) links: TaskTracker,
}

impl Edge {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.0.authority
    }

    pub(crate) fn plugin_host(&self) -> &PluginHost {
        &self.0.plugin_host
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn json_bytes(&self) -> usize {
        self.0.json_bytes
    }

    pub(crate) fn import_bytes(&self) -> usize {
        self.0.import_bytes
    }

    pub(crate) fn component_bytes(&self) -> usize {
        self.0.component_bytes
    }

    pub(crate) fn read_time(&self) -> Duration {
        self.0.read_time
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    pub(crate) fn links(&self) -> &TaskTracker {
        &self.0.links
    }
}

impl FromRequestParts<Edge> for App {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, edge: &Edge) -> Result<Self, Infallible> {
        Ok(edge.app().clone())
    }
}

/// The parameters of a query. Unknown ones are refused where the type refuses them.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(crate) struct Query<T>(pub(crate) T);

impl From<axum::extract::rejection::QueryRejection> for Problem {
    fn from(rejection: axum::extract::rejection::QueryRejection) -> Self {
        let detail = rejection.body_text();
        Self::new(rejection.status(), "query-invalid", detail)
    }
}

/// The parameters of a path.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

impl From<axum::extract::rejection::PathRejection> for Problem {
    fn from(rejection: axum::extract::rejection::PathRejection) -> Self {
        Self::new(rejection.status(), "path-invalid", rejection.body_text())
    }
}
