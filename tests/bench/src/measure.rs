//! Measures: what a case came to.

use serde::Serialize;

/// One line of the answer: as JSON exactly what is not skipped here.
#[derive(Debug, Clone, Serialize)]
pub struct Measure {
    /// Its name, such as `engine.validate.fresh`.
    pub measure: String,
    /// The median over all rounds.
    pub median: f64,
    /// Of the median and the minimum.
    pub unit: &'static str,
    /// How many times the measure `of` it is: the median over the rounds, each with its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// What the ratio compares with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The least over all rounds: what it takes when nothing else disturbs.
    #[serde(skip)]
    pub least: f64,
    /// What was measured, for people.
    #[serde(skip)]
    pub words: &'static str,
    /// What was wanted, and whether it came true.
    #[serde(skip)]
    pub aim: Option<(String, bool)>,
}

impl Measure {
    /// A measure of its own.
    pub fn new(
        measure: impl Into<String>,
        words: &'static str,
        unit: &'static str,
        samples: &[f64],
    ) -> Self {
        Self {
            measure: measure.into(),
            median: rounded(median(samples)),
            unit,
            ratio: None,
            of: None,
            least: rounded(samples.iter().copied().fold(f64::INFINITY, f64::min)),
            words,
            aim: None,
        }
    }

    /// In comparison with another one, round by round.
    #[must_use]
    pub fn compared(mut self, samples: &[f64], of: impl Into<String>, others: &[f64]) -> Self {
        let ratios: Vec<f64> = samples.iter().zip(others).map(|(a, b)| a / b).collect();
        self.ratio = Some(rounded(median(&ratios)));
        self.of = Some(of.into());
        self
    }

    /// With an aim for the ratio: at most so much.
    #[must_use]
    pub fn at_most(mut self, most: f64) -> Self {
        let reached = self.ratio.is_some_and(|ratio| ratio <= most);
        self.aim = Some((format!("≤ {most} ×"), reached));
        self
    }

    /// With an aim for the median itself: at most so much.
    #[must_use]
    pub fn below(mut self, most: f64) -> Self {
        self.aim = Some((format!("≤ {most} {}", self.unit), self.median <= most));
        self
    }

    /// With an aim for the ratio: at least so much.
    #[must_use]
    pub fn at_least(mut self, least: f64) -> Self {
        let reached = self.ratio.is_some_and(|ratio| ratio >= least);
        self.aim = Some((format!("≥ {least} ×"), reached));
        self
    }
}

/// The middle one; the mean of the two in the middle of an even number.
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) && middle > 0 {
        f64::midpoint(at(middle - 1), at(middle))
    } else {
        at(middle)
    }
}

/// Three figures: more are noise.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let places = (2.0 - value.abs().log10().floor()).clamp(0.0, 6.0);
    let scale = 10f64.powf(places);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        assert!((median(&[9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[9.0, 1.0, 2.0, 4.0]) - 3.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_measure_is_told_with_what_it_is_compared_with() {
        let measure = Measure::new("engine.validate.fresh", "", "us", &[24.0, 26.123, 30.0])
            .compared(
                &[24.0, 26.0, 30.0],
                "engine.validate.native",
                &[8.0, 8.0, 10.0],
            )
            .at_most(3.0);
        assert_eq!(
            serde_json::to_string(&measure).unwrap(),
            r#"{"measure":"engine.validate.fresh","median":26.1,"unit":"us","ratio":3.0,"of":"engine.validate.native"}"#
        );
        assert_eq!(measure.aim, Some(("≤ 3 ×".into(), true)));
        let alone = Measure::new("path.1000.wall", "", "s", &[1.0]);
        assert_eq!(
            serde_json::to_string(&alone).unwrap(),
            r#"{"measure":"path.1000.wall","median":1.0,"unit":"s"}"#
        );
    }
}
