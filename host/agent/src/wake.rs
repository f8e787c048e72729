//! Wake: by which interfaces this device can be woken over the network, as far as it can be told.

use muster_domain::wake::WakeAddress;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::Path;
use tokio::net::UdpSocket;

/// Interfaces that are woken for the server at a time.
const MOST_RELAYED: usize = 10_000;

/// Interfaces with an address that all others in their network are reached by: the word of the device's
/// owner, or else what the kernel tells of interfaces that are there in hardware. Linux alone tells it.
pub(crate) fn addresses(owner: &str) -> Vec<WakeAddress> {
    if !owner.is_empty() {
        return WakeAddress::read_all(owner);
    }
    let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    let mut all = Vec::new();
    for (name, networks) in networks(&routes) {
        let interface = Path::new("/sys/class/net").join(&name);
        // What has no device is made up: bridges, tunnels, containers.
        if !interface.join("device").exists() {
            continue;
        }
        let address = std::fs::read_to_string(interface.join("address")).unwrap_or_default();
        for network in networks {
            all.extend(format!("{}@{network}", address.trim()).parse::<WakeAddress>());
        }
    }
    all
}

/// Wakes other devices that are in a network of this one. Packets may be lost on their way, so one that
/// could not be sent is no failure.
pub(crate) async fn relay(others: &[String], port: u16, owner: &str) {
    let own: BTreeSet<Ipv4Addr> = addresses(owner).iter().map(|one| one.network).collect();
    let others = others.iter().filter_map(|one| one.parse().ok());
    let others: Vec<WakeAddress> = others
        .filter(|one: &WakeAddress| own.contains(&one.network))
        .take(MOST_RELAYED)
        .collect();
    let sent = async {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        socket.set_broadcast(true)?;
        for other in &others {
            socket
                .send_to(&other.packet(), (other.network, port))
                .await?;
        }
        std::io::Result::Ok(())
    };
    match sent.await {
        Ok(()) => tracing::debug!("packets were sent to wake {} interfaces", others.len()),
        Err(cause) => tracing::warn!("other devices were not woken: {cause}"),
    }
}

/// The broadcast addresses of the networks that are reached without a gateway, by interface.
fn networks(routes: &str) -> BTreeMap<String, Vec<Ipv4Addr>> {
    let mut all: BTreeMap<String, Vec<Ipv4Addr>> = BTreeMap::new();
    for line in routes.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, to, gateway, _, _, _, _, mask, ..] = fields.as_slice() else {
            continue;
        };
        let (Some(to), Some(0), Some(mask)) = (word(to), word(gateway), word(mask)) else {
            continue;
        };
        // Neither everything nor one host alone is a network.
        if mask == 0 || mask == u32::MAX {
            continue;
        }
        let bytes = (to | !mask).to_le_bytes();
        all.entry((*name).to_owned())
            .or_default()
            .push(Ipv4Addr::from(bytes));
    }
    all
}

/// A number as the kernel writes it: in hexadecimal digits, its first byte last on most machines.
fn word(text: &str) -> Option<u32> {
    let number = u32::from_str_radix(text, 16).ok()?;
    Some(u32::from_le_bytes(number.to_ne_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_what_is_reached_without_a_gateway() {
        let routes = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
            wlan0\t006433C6\t00000000\t0001\t0\t0\t0\t00FCFFFF\t0\t0\t0\n\
            eth0\t010200C0\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n\
            broken\n";
        let found = networks(routes);
        let of = |name: &str| found.get(name).map(|all| format!("{all:?}"));
        if cfg!(target_endian = "little") {
            assert_eq!(of("eth0").as_deref(), Some("[192.0.2.255]"));
            assert_eq!(of("wlan0").as_deref(), Some("[198.51.103.255]"));
        }
        assert_eq!(of("broken"), None);
    }

    #[test]
    fn the_owners_word_counts_more_than_what_is_found() {
        let owner = "02:00:5e:10:00:01@192.0.2.255";
        let told: Vec<String> = addresses(owner).iter().map(ToString::to_string).collect();
        assert_eq!(told, [owner]);
    }
}
