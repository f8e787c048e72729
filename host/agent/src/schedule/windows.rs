//! Windows: whether deliveries may begin on the device now, and if not, for what they wait.

use super::zone::DeviceZone;
use jiff::Timestamp;
use muster_domain::delivery::Cause;
use muster_domain::schedule::window::{Hold, Window, Windows};

/// Why nothing may begin at a moment, and when that is to be asked again; nothing if it may.
pub fn hold(
    windows: &[Window],
    zone: &DeviceZone,
    now: Timestamp,
) -> Option<(Cause, Option<Timestamp>)> {
    let known = |window: &&Window| {
        let one = std::slice::from_ref(*window);
        let known = Windows::new(one, &zone.rules);
        if let Err(cause) = &known {
            tracing::warn!("window \"{}\" is passed over: {cause}", window.name);
        }
        known.is_ok()
    };
    let windows: Vec<Window> = windows.iter().filter(known).cloned().collect();
    let hold = Windows::new(&windows, &zone.rules).ok()?.hold(now)?;
    Some(match hold {
        Hold::Blackout { window, until } => (Cause::Blackout { window, until }, Some(until)),
        Hold::OutsideWindows { window, opens_at } => {
            (Cause::OutsideWindows { window, opens_at }, opens_at)
        }
        // Only starts are held, so no room is asked for, and no window is too short for it.
        Hold::TooShort { closes_at } => (
            Cause::OutsideWindows {
                window: None,
                opens_at: None,
            },
            Some(closes_at),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn window(kind: &str, zone: &str) -> Window {
        serde_json::from_value(json!({
            "name": "nights", "kind": kind, "zone": zone, "minutes": 60,
            "opens": { "every-days": { "days": 1, "from": "2026-10-01T22:00" } },
        }))
        .unwrap()
    }

    #[test]
    fn it_is_said_which_window_holds_and_when_to_ask_again() {
        let zone = DeviceZone::named("Europe/Berlin").unwrap();
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        let ask = |kind, at| hold(&[window(kind, "device")], &zone, moment(at));
        let opens = moment("2026-10-05T20:00Z");
        assert_eq!(
            ask("maintenance", "2026-10-05T19:59Z"),
            Some((
                Cause::OutsideWindows {
                    window: Some("nights".into()),
                    opens_at: Some(opens)
                },
                Some(opens)
            ))
        );
        assert_eq!(ask("maintenance", "2026-10-05T20:00Z"), None);
        let until = moment("2026-10-05T21:00Z");
        let blackout = Cause::Blackout {
            window: "nights".into(),
            until,
        };
        assert_eq!(
            ask("blackout", "2026-10-05T20:00Z"),
            Some((blackout, Some(until)))
        );
        assert_eq!(ask("blackout", "2026-10-05T21:00Z"), None);
        // One whose zone this program does not know holds nothing.
        let unknown = [window("maintenance", "Moon/Tycho")];
        assert_eq!(hold(&unknown, &zone, until), None);
    }
}
