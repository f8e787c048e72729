//! The conformance suite: every rule that a server relies on, tried on one component.
//!
//! A plug-in that passes behaves on every server. Inputs are drawn from a seed, so that the same seed
//! and the same component have the same result; what breaks a rule is made as small as it goes.

mod gate;
mod input;
mod interpret;
mod limits;
mod migrate;
mod rule;
mod schema;
mod shrink;
mod translate;
mod trial;
mod validate;

pub use input::Input;
pub use rule::{Group, RULES, Rule, Weight};
pub use trial::Progress;

use crate::{Digest, Harness};
use std::collections::BTreeMap;
use std::sync::Arc;
use trial::Trial;

/// How a component is to be tried.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or("../../target".into());
/// # let file = std::path::Path::new(&target).join("plugins/clamav.wasm");
/// use muster_plugin_harness::{Harness, Suite};
///
/// let suite = Suite { cases: 10, ..Suite::default() };
/// let verdict = suite.run(&Harness::start()?, std::fs::read(file)?);
/// assert!(verdict.passes(), "{}", verdict.to_text());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Suite {
    /// Inputs that are drawn for each task type and function.
    pub cases: u32,
    /// What inputs are drawn from.
    pub seed: u64,
    /// The rules to try, by their ids; all, if none is named.
    pub only: Vec<String>,
}

impl Default for Suite {
    fn default() -> Self {
        Self {
            cases: 200,
            seed: 1,
            only: Vec::new(),
        }
    }
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The component.
    pub component: Component,
    /// The seed.
    pub seed: u64,
    /// Inputs drawn for each task type and function.
    pub cases: u32,
    /// Calls that the plug-in was asked to answer.
    pub calls: u64,
    /// Each rule that was to be tried, in the order of [`RULES`].
    pub rules: Vec<RuleResult>,
}

/// A component, as far as it told who it is.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its digest.
    pub digest: Digest,
    /// Its application and its version, such as `net.clamav.clamav 1.2.0`; none, if it could not be
    /// asked.
    pub label: Option<String>,
}

/// What came of one rule.
#[derive(Debug, Clone)]
pub struct RuleResult {
    /// Which.
    pub rule: &'static Rule,
    /// How often it was tried. 0: there was nothing to try it on.
    pub cases: u64,
    /// How it was broken: for each task type the first way that was found.
    pub broken: Vec<Broken>,
}

/// How a rule was broken.
#[derive(Debug, Clone)]
pub struct Broken {
    /// The task type, if it is about one.
    pub task_type: Option<String>,
    /// What is wrong, for the author.
    pub text: String,
    /// The smallest input that was found to show it; none, if no input is needed.
    pub input: Option<Input>,
}

impl Suite {
    /// Tries a component.
    pub fn run(&self, harness: &Harness, component: impl Into<Arc<[u8]>>) -> Verdict {
        self.run_telling(harness, component, &mut |_| ())
    }

    /// Tries a component, and tells how far it is.
    pub fn run_telling(
        &self,
        harness: &Harness,
        component: impl Into<Arc<[u8]>>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Verdict {
        let component = component.into();
        let digest = Digest::of(&component);
        let mut trial = Trial::new(self, progress);
        let plugin = gate::run(&mut trial, harness, &component);
        if let Some(plugin) = &plugin {
            schema::run(&mut trial, plugin);
            validate::run(&mut trial, plugin, &component);
            translate::run(&mut trial, plugin, &component);
            interpret::run(&mut trial, plugin, &component);
            migrate::run(&mut trial, plugin, &component);
            limits::run(&mut trial, harness, plugin, &component);
        }
        let mut results: BTreeMap<&str, RuleResult> = trial.into_results();
        let asked = |plugin: &crate::Plugin| {
            trial::FUNCTIONS
                .map(|of| plugin.cost(of).calls)
                .iter()
                .sum()
        };
        let calls = plugin.as_ref().map_or(0, asked);
        let label = plugin.map(|plugin| {
            let description = plugin.description();
            format!("{} {}", description.application, description.version)
        });
        Verdict {
            component: Component { digest, label },
            seed: self.seed,
            cases: self.cases,
            calls,
            rules: RULES
                .iter()
                .filter_map(|rule| results.remove(rule.id))
                .collect(),
        }
    }
}

impl Verdict {
    /// Whether no rule is broken. One that is but advice may be.
    pub fn passes(&self) -> bool {
        let strict = self
            .rules
            .iter()
            .filter(|result| result.rule.weight == Weight::Required);
        strict.flat_map(|result| &result.broken).next().is_none()
    }

    /// All that is broken, with its rule.
    pub fn broken(&self) -> impl Iterator<Item = (&'static Rule, &Broken)> {
        let each = self.rules.iter();
        each.flat_map(|result| result.broken.iter().map(|broken| (result.rule, broken)))
    }

    /// How many cases were tried in all.
    pub fn cases_tried(&self) -> u64 {
        self.rules.iter().map(|result| result.cases).sum()
    }
}
