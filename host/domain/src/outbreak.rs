//! Outbreaks: when detections of malware are so many, on so many devices in so short a time, that
//! they are one thing. Pure functions of what was detected when.

use crate::id::DeviceId;
use crate::schedule::OutbreakSource;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// What makes an outbreak in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutbreakRule {
    /// Where the malware is found.
    pub source: OutbreakSource,
    /// The kinds of events that are detections there.
    pub kinds: Vec<String>,
    /// So many detections; 0 switches the rule off.
    pub detections: u32,
    /// On at least so many devices.
    pub devices: u32,
    /// Within so many minutes.
    pub within_minutes: u32,
    /// For so many minutes after one outbreak there is no other.
    pub pause_minutes: u32,
}

/// A detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detection {
    /// When.
    pub at: Timestamp,
    /// On which device.
    pub device: Option<DeviceId>,
}

/// How many detections there are, and on how many devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outbreak {
    /// Detections.
    pub detections: usize,
    /// Devices.
    pub devices: usize,
}

impl OutbreakRule {
    /// Whether the rule is in force.
    pub fn is_on(&self) -> bool {
        self.detections > 0 && !self.kinds.is_empty()
    }

    /// From when on detections count at a moment, given when the last outbreak began. None while none
    /// can begin.
    pub fn since(&self, last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let minutes = |minutes: u32| SignedDuration::from_mins(i64::from(minutes));
        let from = now
            .checked_sub(minutes(self.within_minutes))
            .unwrap_or(Timestamp::MIN);
        let Some(last) = last else { return Some(from) };
        let again = last
            .checked_add(minutes(self.pause_minutes))
            .unwrap_or(Timestamp::MAX);
        // What one outbreak was made of makes no other.
        (again <= now).then(|| from.max(last))
    }

    /// What breaks out, if these detections are enough.
    pub fn breaks_out(&self, detections: &[Detection]) -> Option<Outbreak> {
        let devices: BTreeSet<DeviceId> = detections.iter().filter_map(|one| one.device).collect();
        let found = Outbreak {
            detections: detections.len(),
            devices: devices.len(),
        };
        let enough =
            found.detections >= self.detections as usize && found.devices >= self.devices as usize;
        (self.is_on() && enough).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> OutbreakRule {
        OutbreakRule {
            source: OutbreakSource::Files,
            kinds: vec!["application.threat-detected".into()],
            detections: 3,
            devices: 2,
            within_minutes: 10,
            pause_minutes: 60,
        }
    }

    fn at(minute: i64) -> Timestamp {
        let first: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        first + SignedDuration::from_mins(minute)
    }

    fn on(devices: &[u32]) -> Vec<Detection> {
        let detection = |device: &u32| Detection {
            at: at(0),
            device: Some(DeviceId(*device)),
        };
        devices.iter().map(detection).collect()
    }

    #[test]
    fn it_takes_detections_and_devices() {
        assert_eq!(rule().breaks_out(&on(&[1, 2])), None);
        assert_eq!(rule().breaks_out(&on(&[1, 1, 1, 1])), None);
        let found = rule().breaks_out(&on(&[1, 1, 2]));
        let wanted = Outbreak {
            detections: 3,
            devices: 2,
        };
        assert_eq!(found, Some(wanted));
    }

    #[test]
    fn what_is_off_never_breaks_out() {
        let off = OutbreakRule {
            detections: 0,
            devices: 0,
            ..rule()
        };
        assert_eq!(off.breaks_out(&on(&[1, 2, 3])), None);
        let nothing = OutbreakRule {
            kinds: vec![],
            ..rule()
        };
        assert!(!nothing.is_on());
        assert_eq!(nothing.breaks_out(&on(&[1, 2, 3])), None);
    }

    #[test]
    fn after_an_outbreak_there_is_a_pause_and_the_count_begins_anew() {
        assert_eq!(rule().since(None, at(30)), Some(at(20)));
        assert_eq!(rule().since(Some(at(0)), at(59)), None);
        assert_eq!(rule().since(Some(at(0)), at(60)), Some(at(50)));
        let short = OutbreakRule {
            pause_minutes: 5,
            ..rule()
        };
        assert_eq!(short.since(Some(at(0)), at(5)), Some(at(0)));
    }
}
