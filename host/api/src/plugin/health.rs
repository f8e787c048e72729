//! How a plug-in's calls go.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the calls of a loaded plug-in went, since it was loaded.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PluginHealthView {
    /// The application that it speaks for.
    pub application: String,
    /// The plug-in's version.
    pub version: String,
    /// Digest of the component.
    pub digest: String,
    /// Bytes of memory that a call may have.
    pub memory_limit: u64,
    /// Functions that were called.
    pub functions: Vec<FunctionHealthView>,
    /// What went wrong last, if anything did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fault: Option<LastFaultView>,
}

/// How the calls of one function went.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FunctionHealthView {
    /// `describe`, `validate`, `translate`, `interpret` or `migrate`.
    pub function: String,
    /// How many calls there were.
    pub calls: u64,
    /// How they ended: `answered`, or what went wrong. What never happened is left out.
    pub outcomes: Vec<OutcomeCountView>,
    /// Milliseconds that a call may take.
    pub time_limit: u64,
    /// From the moment a thread took a call to its answer, checked.
    pub took: SpreadView,
    /// In the queue before.
    pub waited: SpreadView,
    /// To make the instance; calls of the plug-in's admission are among them.
    pub instantiate: SpreadView,
    /// The most memory that a call had, in bytes.
    pub memory: u64,
    /// Bytes of settings and reports that were handed over.
    pub bytes_in: u64,
    /// Bytes of log lines that were dropped, because a call may not log more.
    pub log_dropped: u64,
}

/// How many calls ended in one way.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OutcomeCountView {
    /// `answered`, `timed-out`, `trapped`, …
    pub outcome: String,
    /// How many.
    pub calls: u64,
}

/// How long something took, over many times.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SpreadView {
    /// How many there were.
    pub count: u64,
    /// Microseconds, on average.
    pub mean: f64,
    /// Microseconds: half took at most so long, to the bound of a bucket. Missing if it is beyond the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<u64>,
    /// Microseconds: 99 of a hundred took at most so long, to the bound of a bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// The buckets.
    pub buckets: Vec<BucketView>,
}

/// How many took how long.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BucketView {
    /// Microseconds at most, and more than the bucket before. Missing in the last, which has no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
    /// How many.
    pub count: u64,
}

/// The latest fault of a plug-in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LastFaultView {
    /// In which function.
    pub function: String,
    /// One of the outcomes.
    pub outcome: String,
    /// What went wrong.
    pub text: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}
