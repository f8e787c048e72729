//! Progress bars: one for the run, one for each state, one for each running device if wanted.

use crate::output::{Tint, clean};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use muster_api::run::{DeliveryView, RunView};
use muster_domain::delivery::DeliveryState;
use std::collections::BTreeMap;
use std::time::Duration;

/// All bars of one run, on standard error.
#[derive(Debug)]
pub(crate) struct Bars {
    all: MultiProgress,
    color: bool,
    run: ProgressBar,
    states: BTreeMap<DeliveryState, ProgressBar>,
    devices: BTreeMap<u32, ProgressBar>,
}

impl Bars {
    pub(crate) fn new(color: bool) -> Self {
        let all = MultiProgress::new();
        let run = all.add(ProgressBar::new(100));
        run.set_style(style(
            "{prefix} {wide_bar} {pos:>3} %  {msg}  {elapsed_precise}",
        ));
        run.enable_steady_tick(Duration::from_millis(500));
        Self {
            all,
            color,
            run,
            states: BTreeMap::new(),
            devices: BTreeMap::new(),
        }
    }

    /// Brings the run's bar and those of its states up to date. A state that was seen once keeps
    /// its bar, so that lines do not jump.
    pub(crate) fn show(&mut self, run: &RunView) {
        let finished = run.counts.iter().filter(|(state, _)| state.is_final());
        let finished: u64 = finished.map(|(_, count)| count).sum();
        self.run
            .set_prefix(format!("Run {} {}", run.id, clean(&run.task_name)));
        self.run.set_position(run.percent.into());
        self.run.set_message(format!("{finished}/{}", run.total));
        for (state, count) in &run.counts {
            if *count > 0 && !self.states.contains_key(state) {
                self.insert_state(*state);
            }
        }
        for (state, bar) in &self.states {
            bar.set_length(run.total);
            bar.set_position(run.counts.get(state).copied().unwrap_or(0));
        }
    }

    fn insert_state(&mut self, state: DeliveryState) {
        let before = self
            .states
            .range(..state)
            .next_back()
            .map_or(&self.run, |(_, bar)| bar);
        let bar = self.all.insert_after(before, ProgressBar::new(1));
        let color = match super::tint(state) {
            _ if !self.color => "",
            Tint::Good => ".green",
            Tint::Attention => ".yellow",
            Tint::Bad => ".red",
            Tint::None | Tint::Faint => ".cyan",
        };
        bar.set_style(style(&format!(
            "  {{prefix:<13}} {{bar:30{color}}} {{pos:>7}}"
        )));
        bar.set_prefix(state.as_str());
        self.states.insert(state, bar);
    }

    /// Brings the bars of devices up to date. One that is not among them is done.
    pub(crate) fn show_devices(&mut self, running: Vec<DeliveryView>) {
        let gone: Vec<u32> = self
            .devices
            .keys()
            .filter(|device| !running.iter().any(|delivery| delivery.device == **device))
            .copied()
            .collect();
        for bar in gone.iter().filter_map(|device| self.devices.remove(device)) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
        for delivery in running {
            let bar = self.devices.entry(delivery.device).or_insert_with(|| {
                let bar = self.all.add(ProgressBar::new(100));
                bar.set_style(style("    {prefix:<20!} {bar:20} {pos:>3} %  {wide_msg}"));
                bar.set_prefix(clean(&delivery.device_name));
                bar
            });
            bar.set_position(delivery.percent.unwrap_or(0).into());
            bar.set_message(clean(&delivery.message.unwrap_or_default()));
        }
    }

    /// Takes all bars away.
    pub(crate) fn clear(&mut self) {
        for bar in self.devices.values().chain(self.states.values()) {
            bar.finish_and_clear();
        }
        self.run.finish_and_clear();
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The default style if the template is not understood, which a test keeps from happening.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}
