//! Metrics for Prometheus: requests, links, plug-in host, process.

mod plugins;

use crate::edge::Edge;
use axum::http::{Method, StatusCode};
use muster_app::trust::TrustMarks;
use muster_release::trust::Policy;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: String,
    route: String,
}

/// What is counted as it happens. What others count is read when somebody asks.
pub(crate) struct Metrics {
    requests: Family<Answered, Counter>,
    durations: Family<Asked, Histogram>,
    news: Counter,
    links_refused: Counter,
    registry: Registry,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("muster");
        let requests = Family::<Answered, Counter>::default();
        let durations = Family::<Asked, Histogram>::new_with_constructor(|| {
            Histogram::new([
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
            ])
        });
        let (news, links_refused) = (Counter::default(), Counter::default());
        registry.register(
            "http_requests",
            "Requests by route and status",
            requests.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "Time from the head of a request to the head of its answer",
            durations.clone(),
        );
        registry.register(
            "agent_news",
            "Pieces of news that agents brought",
            news.clone(),
        );
        registry.register(
            "agent_links_refused",
            "Links that were refused or cut",
            links_refused.clone(),
        );
        Self {
            requests,
            durations,
            news,
            links_refused,
            registry,
        }
    }

    pub(crate) fn request(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let (method, route) = (method_label(method), route.to_owned());
        let asked = Asked {
            method: method.clone(),
            route: route.clone(),
        };
        self.durations
            .get_or_create(&asked)
            .observe(took.as_secs_f64());
        let answered = Answered {
            method,
            route,
            status: status.as_u16(),
        };
        self.requests.get_or_create(&answered).inc();
    }

    pub(crate) fn news(&self, count: usize) {
        self.news.inc_by(count as u64);
    }

    pub(crate) fn link_refused(&self) {
        self.links_refused.inc();
    }

    /// The text that Prometheus reads.
    pub(crate) async fn text(&self, edge: &Edge) -> Result<String, std::fmt::Error> {
        let marks = edge.app().trust_marks().await.ok();
        let mut text = String::new();
        encode(&mut text, &Self::read(edge, marks))?;
        let own = text.trim_end().trim_end_matches("# EOF").to_owned();
        let mut all = String::new();
        encode(&mut all, &self.registry)?;
        Ok(format!("{own}{all}"))
    }

    /// What is read now.
    fn read(edge: &Edge, marks: Option<TrustMarks>) -> Registry {
        let mut registry = Registry::default();
        let mut gauge = |name: &str, help: &str, value: i64| {
            registry.register(name, help, ConstGauge::new(value));
        };
        let online = i64::try_from(edge.app().devices_online()).unwrap_or(i64::MAX);
        gauge("muster_devices_online", "Devices with an open link", online);
        let loaded = i64::try_from(edge.app().plugins_loaded()).unwrap_or(i64::MAX);
        gauge(
            "muster_plugins_loaded",
            "Applications with a loaded plug-in",
            loaded,
        );
        let unsigned = marks.map_or(0, |marks| marks.unsigned);
        gauge(
            "muster_plugins_unsigned",
            "Plug-ins at work that nobody signed",
            i64::try_from(unsigned).unwrap_or(i64::MAX),
        );
        gauge(
            "muster_trust_policy_dev",
            "1 where plug-ins are admitted without a signature",
            marks
                .is_some_and(|marks| marks.policy == Policy::Dev)
                .into(),
        );
        gauge(
            "muster_trust_store_readable",
            "0 where the trust store cannot be read, and nothing is admitted",
            marks.is_some().into(),
        );
        let counters = edge.plugin_host().counters();
        let waiting = i64::try_from(counters.waiting).unwrap_or(i64::MAX);
        gauge(
            "muster_plugin_calls_waiting",
            "Calls of plug-ins that wait for a thread",
            waiting,
        );
        if let Some(bytes) = process::resident_bytes() {
            gauge(
                "process_resident_memory_bytes",
                "Memory of the server in use",
                bytes,
            );
        }
        let plugins = plugins::Plugins::read(&edge.app().plugins_running());
        registry.register_collector(Box::new(plugins));
        let mut counter = |name: &str, help: &str, value: u64| {
            registry.register(name, help, ConstCounter::new(value));
        };
        counter(
            "muster_plugin_calls",
            "Calls of plug-ins that were run",
            counters.calls,
        );
        counter(
            "muster_plugin_calls_busy",
            "Calls that were turned away, because too many waited",
            counters.busy,
        );
        counter(
            "muster_plugin_calls_set_aside",
            "Calls that ran long, and got a thread of their own for it",
            counters.set_aside,
        );
        counter(
            "muster_plugin_calls_repeated",
            "Calls that were asked again, to see whether the answer is the same",
            counters.repeated,
        );
        counter(
            "muster_plugin_answers_differed",
            "Repeated calls that got another answer, by a fault of their plug-in",
            counters.differed,
        );
        counter(
            "muster_plugins_compiled",
            "Components that were compiled",
            counters.compiled,
        );
        counter(
            "muster_plugins_mapped",
            "Components whose compiled code was there",
            counters.mapped,
        );
        counter(
            "muster_plugins_discarded",
            "Compiled code that was thrown away",
            counters.discarded,
        );
        if let Some(seconds) = process::processor_seconds() {
            registry.register(
                "process_cpu_seconds",
                "Processor time of the server",
                ConstCounter::new(seconds),
            );
        }
        registry
    }
}

/// Methods that are none of ours must not make new rows.
fn method_label(method: &Method) -> String {
    let known = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
    ];
    if known.contains(method) {
        method.to_string()
    } else {
        "other".into()
    }
}

mod process {
    /// From `/proc`; none where there is no such thing.
    pub(super) fn resident_bytes() -> Option<i64> {
        let text = std::fs::read_to_string("/proc/self/statm").ok()?;
        let pages: i64 = text.split(' ').nth(1)?.parse().ok()?;
        Some(pages * i64::try_from(rustix::param::page_size()).ok()?)
    }

    pub(super) fn processor_seconds() -> Option<f64> {
        let text = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The program's name stands in parentheses and may hold anything.
        let (_, rest) = text.rsplit_once(") ")?;
        let mut fields = rest
            .split(' ')
            .skip(11)
            .map_while(|field| field.parse::<u32>().ok());
        let ticks = f64::from(fields.next()?) + f64::from(fields.next()?);
        let a_second = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
        Some(ticks / f64::from(a_second))
    }
}
