//! Waking: what it takes to wake a device over the network.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An interface that a device can be woken by, and the broadcast address of its network. As a text
/// `02:00:5e:10:00:01@192.0.2.255`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WakeAddress {
    /// The interface's hardware address.
    pub interface: [u8; 6],
    /// Where a packet reaches all of its network.
    pub network: Ipv4Addr,
}

/// At most so many interfaces of a device are woken.
const MOST: usize = 16;

impl WakeAddress {
    /// The packet that wakes: six bytes of ones, and the hardware address sixteen times.
    pub fn packet(&self) -> Vec<u8> {
        let mut packet = vec![0xff; 6];
        packet.extend(self.interface.repeat(16));
        packet
    }

    /// Those that a device tells of as one text, with spaces between; what cannot be read is left out.
    pub fn read_all(text: &str) -> Vec<Self> {
        let all = text.split_whitespace();
        all.filter_map(|one| one.parse().ok()).take(MOST).collect()
    }
}

impl fmt::Display for WakeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.interface.iter().enumerate() {
            let colon = if place > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02x}")?;
        }
        write!(f, "@{}", self.network)
    }
}

/// A text that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not what wakes a device; write 02:00:5e:10:00:01@192.0.2.255")]
pub struct InvalidWakeAddress(String);

impl FromStr for WakeAddress {
    type Err = InvalidWakeAddress;

    fn from_str(text: &str) -> Result<Self, InvalidWakeAddress> {
        read(text).ok_or_else(|| InvalidWakeAddress(text.to_owned()))
    }
}

fn read(text: &str) -> Option<WakeAddress> {
    let (interface, network) = text.split_once('@')?;
    let bytes: Option<Vec<u8>> = interface
        .split([':', '-'])
        .map(|byte| {
            // A sign is no digit.
            let digits = byte.len() == 2 && byte.bytes().all(|byte| byte.is_ascii_hexdigit());
            digits.then(|| u8::from_str_radix(byte, 16).ok())?
        })
        .collect();
    let interface: [u8; 6] = bytes?.try_into().ok()?;
    let nobody = interface == [0; 6] || interface == [0xff; 6];
    let network = network.parse().ok()?;
    (!nobody).then_some(WakeAddress { interface, network })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_what_it_writes() {
        let text = "02:00:5e:10:00:01@192.0.2.255";
        let address: WakeAddress = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
        assert_eq!("02-00-5E-10-00-01@192.0.2.255".parse(), Ok(address));
        for wrong in [
            "",
            "02:00:5e:10:00:01",
            "02:00:5e:10:00@192.0.2.255",
            "02:00:5e:10:00:1@192.0.2.255",
            "02:00:5e:10:00:+1@192.0.2.255",
            "00:00:00:00:00:00@192.0.2.255",
            "02:00:5e:10:00:01@network",
        ] {
            assert!(wrong.parse::<WakeAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_packet_names_the_interface_sixteen_times() {
        let address: WakeAddress = "02:00:5e:10:00:01@192.0.2.255".parse().unwrap();
        let packet = address.packet();
        assert_eq!(packet.len(), 102);
        assert_eq!(packet[..6], [0xff; 6]);
        assert!(packet[6..].chunks(6).all(|part| part == address.interface));
    }

    #[test]
    fn what_a_device_tells_is_read_as_far_as_it_can_be() {
        let told = "02:00:5e:10:00:01@192.0.2.255 nonsense 02:00:5e:10:00:02@198.51.100.255";
        assert_eq!(WakeAddress::read_all(told).len(), 2);
        assert_eq!(WakeAddress::read_all(""), []);
        let many = "02:00:5e:10:00:01@192.0.2.255 ".repeat(40);
        assert_eq!(WakeAddress::read_all(&many).len(), 16);
    }
}
