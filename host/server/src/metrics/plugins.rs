//! Metrics of plug-ins: each function of each loaded plug-in, as its calls went since it was loaded.

use muster_plugin_host::{BOUNDS, FunctionHealth, Plugin, Spread};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use std::fmt;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    application: String,
    version: String,
    digest: String,
    function: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    application: String,
    version: String,
    digest: String,
    function: String,
    outcome: &'static str,
}

/// What was read of all plug-ins at once.
#[derive(Debug)]
pub(super) struct Plugins(Vec<(Of, FunctionHealth)>);

impl Plugins {
    pub(super) fn read(plugins: &[Arc<Plugin>]) -> Self {
        let functions = plugins.iter().flat_map(|plugin| {
            let of = |function: &FunctionHealth| Of {
                application: plugin.description().application.to_string(),
                version: plugin.description().version.to_string(),
                digest: plugin.digest().short(),
                function: function.function.to_string(),
            };
            plugin
                .health()
                .into_iter()
                .map(move |health| (of(&health), health))
        });
        Self(functions.collect())
    }

    fn calls(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Calls of plug-ins by function and outcome";
        let counter = MetricType::Counter;
        let mut calls =
            encoder.encode_descriptor("muster_plugin_function_calls", help, None, counter)?;
        for (of, health) in &self.0 {
            for (outcome, count) in &health.outcomes {
                let ended = Ended {
                    application: of.application.clone(),
                    version: of.version.clone(),
                    digest: of.digest.clone(),
                    function: of.function.clone(),
                    outcome,
                };
                let mut one = calls.encode_family(&ended)?;
                one.encode_counter::<NoLabelSet, _, u64>(count, None)?;
            }
        }
        Ok(())
    }

    fn spread(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        spread: impl Fn(&FunctionHealth) -> &Spread,
    ) -> fmt::Result {
        let (unit, histogram) = (Unit::Seconds, MetricType::Histogram);
        let mut all = encoder.encode_descriptor(name, help, Some(&unit), histogram)?;
        for (of, health) in &self.0 {
            encode_spread(all.encode_family(of)?, spread(health))?;
        }
        Ok(())
    }

    fn number(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        kind: MetricType,
        number: impl Fn(&FunctionHealth) -> u64,
    ) -> fmt::Result {
        let mut all = encoder.encode_descriptor(name, help, Some(&Unit::Bytes), kind)?;
        for (of, health) in &self.0 {
            let (mut one, number) = (all.encode_family(of)?, number(health));
            match kind {
                MetricType::Counter => {
                    one.encode_counter::<NoLabelSet, _, u64>(&number, None)?;
                }
                _ => one.encode_gauge(&i64::try_from(number).unwrap_or(i64::MAX))?,
            }
        }
        Ok(())
    }
}

impl Collector for Plugins {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        self.calls(encoder)?;
        let help = "Time of a call, from the moment a thread took it to its answer, checked";
        self.spread(encoder, "muster_plugin_call_duration", help, |health| {
            &health.took
        })?;
        let help = "Time of a call in the queue";
        self.spread(encoder, "muster_plugin_call_wait", help, |health| {
            &health.waited
        })?;
        let help = "Time to make the instance for a call";
        self.spread(
            encoder,
            "muster_plugin_call_instantiation",
            help,
            |health| &health.instantiate,
        )?;
        let help = "The most memory that a call had";
        let gauge = MetricType::Gauge;
        self.number(
            encoder,
            "muster_plugin_call_memory",
            help,
            gauge,
            |health| health.memory,
        )?;
        let (help, counter) = ("Settings and reports handed over", MetricType::Counter);
        self.number(
            encoder,
            "muster_plugin_call_input",
            help,
            counter,
            |health| health.bytes_in,
        )?;
        let (help, counter) = ("Log lines that were dropped", MetricType::Counter);
        self.number(
            encoder,
            "muster_plugin_log_dropped",
            help,
            counter,
            |health| health.log_dropped,
        )
    }
}

fn encode_spread(mut encoder: MetricEncoder<'_>, spread: &Spread) -> fmt::Result {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the bounds are small whole numbers"
    )]
    let bounds = BOUNDS.iter().map(|bound| *bound as f64 / 1e6);
    // The last bucket has no bound, which the library writes so.
    let buckets: Vec<(f64, u64)> = bounds.chain([f64::MAX]).zip(spread.buckets).collect();
    let (sum, count) = (spread.sum.as_secs_f64(), spread.count());
    encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
}
