//! What makes a malware outbreak.

use super::ConfigError;
use muster_domain::outbreak::OutbreakRule;
use muster_domain::schedule::OutbreakSource;
use serde::Deserialize;

/// What makes a malware outbreak, by where the malware is found.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OutbreakConfig {
    /// Minutes after one outbreak in which there is no other.
    pub pause: u32,
    /// In files.
    pub files: OutbreakThreshold,
    /// In mail.
    pub mail: OutbreakThreshold,
    /// On the way in.
    pub perimeter: OutbreakThreshold,
}

/// How many detections are an outbreak.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OutbreakThreshold {
    /// So many; 0: none is looked for.
    pub detections: u32,
    /// On at least so many devices.
    pub devices: u32,
    /// Within so many minutes.
    pub within: u32,
    /// The kinds of events that are detections.
    pub kinds: Vec<String>,
}

impl OutbreakConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let [files, mail, perimeter] = [&self.files, &self.mail, &self.perimeter];
        for (key, value, least, most) in [
            ("outbreak.pause", self.pause, 0, 10_080),
            ("outbreak.files.detections", files.detections, 0, 100_000),
            ("outbreak.files.devices", files.devices, 0, 100_000),
            ("outbreak.files.within", files.within, 1, 1440),
            ("outbreak.mail.detections", mail.detections, 0, 100_000),
            ("outbreak.mail.devices", mail.devices, 0, 100_000),
            ("outbreak.mail.within", mail.within, 1, 1440),
            (
                "outbreak.perimeter.detections",
                perimeter.detections,
                0,
                100_000,
            ),
            ("outbreak.perimeter.devices", perimeter.devices, 0, 100_000),
            ("outbreak.perimeter.within", perimeter.within, 1, 1440),
        ] {
            ConfigError::range(key, value, least, most)?;
        }
        Ok(())
    }

    /// As rules.
    pub(crate) fn rules(self) -> Vec<OutbreakRule> {
        let pause_minutes = self.pause;
        let rule = |(source, threshold): (OutbreakSource, OutbreakThreshold)| OutbreakRule {
            source,
            kinds: threshold.kinds,
            detections: threshold.detections,
            devices: threshold.devices,
            within_minutes: threshold.within,
            pause_minutes,
        };
        let all = [
            (OutbreakSource::Files, self.files),
            (OutbreakSource::Mail, self.mail),
            (OutbreakSource::Perimeter, self.perimeter),
        ];
        all.into_iter().map(rule).collect()
    }
}
