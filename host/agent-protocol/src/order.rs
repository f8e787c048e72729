//! Orders: what the server wants of one delivery on one device.
//!
//! An order is whole each time and says what is wanted *now*, so the last one holds and a repeated
//! one does no harm. It is signed and numbered: an order for another device, one that is no longer
//! valid, and one that is older than what the agent has seen are refused and logged by the agent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use muster_domain::application::Needs;
use muster_domain::delivery::Wanted;
use muster_domain::{ApplicationId, DeviceId, Digest, RunId, TaskId, TaskTypeId};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What the server wants of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Order {
    /// The device that is meant.
    pub device: DeviceId,
    /// Counted up for each device; a later order has a greater one.
    pub sequence: u64,
    /// With the device, the delivery's id. Below 0 where the device began it by itself.
    pub run: RunId,
    /// The task, for people.
    pub task: TaskId,
    /// The task's name, for people.
    pub task_name: String,
    /// The task's revision.
    pub revision: u32,
    /// The application whose connector is asked.
    pub application: ApplicationId,
    /// What kind of task it is.
    pub task_type: TaskTypeId,
    /// What the application must be before it starts.
    pub needs: Needs,
    /// Whether no other delivery of the application may run meanwhile.
    pub exclusive: bool,
    /// Seconds for the whole command.
    pub time_limit: u32,
    /// The command's name; its body is asked for if the agent lacks it.
    pub command: Digest,
    /// What is wanted.
    pub wanted: Wanted,
    /// Not to be begun after this.
    pub valid_until: Timestamp,
    /// Whether it starts whatever the device's windows say.
    #[serde(default)]
    pub despite_windows: bool,
}

/// An order, or what else the server signs for a device, as it travels: the very text that was
/// signed, and the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// JSON text of an [`Order`], an [`crate::assignment::Assignment`], a
    /// [`crate::assignment::DeviceWindows`] or a [`crate::secret::DeviceSecrets`].
    pub order: String,
    /// Ed25519 over the text, base64.
    pub signature: String,
}

/// What the server signs for a device.
pub trait Sealed: Serialize + DeserializeOwned {
    /// Stands in the text as `kind`, so that none is taken for another.
    const KIND: &'static str;
}

impl Sealed for Order {
    const KIND: &'static str = "order";
}

/// Why an envelope was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not from the server that the device was enrolled with.
    #[error("the signature is not the server's")]
    Signature,
    /// The server signed something that this agent cannot read.
    #[error("the order cannot be read: {0}")]
    Unreadable(String),
}

impl Envelope {
    /// Reads what is in it, if the server signed it.
    pub fn open<T: Sealed>(&self, key: &OrderPublicKey) -> Result<T, EnvelopeError> {
        let signature = STANDARD
            .decode(&self.signature)
            .map_err(|_| EnvelopeError::Signature)?;
        UnparsedPublicKey::new(&ED25519, &key.0)
            .verify(self.order.as_bytes(), &signature)
            .map_err(|_| EnvelopeError::Signature)?;
        let unreadable = |cause: serde_json::Error| EnvelopeError::Unreadable(cause.to_string());
        let content: serde_json::Value = serde_json::from_str(&self.order).map_err(unreadable)?;
        let kind = content.get("kind").and_then(serde_json::Value::as_str);
        if kind != Some(T::KIND) {
            let kind = format!("it is no {}", T::KIND);
            return Err(EnvelopeError::Unreadable(kind));
        }
        serde_json::from_value(content).map_err(unreadable)
    }
}

/// The server's key for orders.
pub struct OrderKey(Ed25519KeyPair);

/// A key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no Ed25519 key in PKCS#8 form")]
pub struct InvalidKey;

impl OrderKey {
    /// Makes a key; the bytes (PKCS#8) are what is kept.
    pub fn generate() -> Result<Vec<u8>, InvalidKey> {
        Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new())
            .map(|document| document.as_ref().to_vec())
            .map_err(|_| InvalidKey)
    }

    /// Takes a key that was kept.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, InvalidKey> {
        Ed25519KeyPair::from_pkcs8(bytes)
            .map(Self)
            .map_err(|_| InvalidKey)
    }

    /// The half that devices get.
    pub fn public(&self) -> OrderPublicKey {
        OrderPublicKey(self.0.public_key().as_ref().to_vec())
    }

    /// Signs an order, or what else the server wants of a device.
    pub fn seal<T: Sealed>(&self, content: &T) -> Envelope {
        let mut content = serde_json::json!(content);
        if let Some(fields) = content.as_object_mut() {
            fields.insert("kind".to_owned(), T::KIND.into());
        }
        let order = content.to_string();
        let signature = STANDARD.encode(self.0.sign(order.as_bytes()));
        Envelope { order, signature }
    }
}

/// The half of the server's key that a device gets at enrollment, base64 in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderPublicKey(Vec<u8>);

impl From<OrderPublicKey> for String {
    fn from(key: OrderPublicKey) -> String {
        STANDARD.encode(key.0)
    }
}

impl TryFrom<String> for OrderPublicKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        match STANDARD.decode(text) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(bytes)),
            _ => Err(InvalidKey),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            device: DeviceId(7),
            sequence: 1,
            run: RunId(2),
            task: TaskId(3),
            task_name: "nightly".into(),
            revision: 1,
            application: "net.clamav.clamav".parse().unwrap(),
            task_type: "scan".parse().unwrap(),
            needs: Needs::Running,
            exclusive: false,
            time_limit: 60,
            command: Digest::of("{}"),
            wanted: Wanted::Run,
            valid_until: Timestamp::UNIX_EPOCH,
            despite_windows: false,
        }
    }

    #[test]
    fn an_envelope_opens_with_the_servers_key_alone() {
        let key = OrderKey::from_pkcs8(&OrderKey::generate().unwrap()).unwrap();
        let other = OrderKey::from_pkcs8(&OrderKey::generate().unwrap()).unwrap();
        let envelope = key.seal(&order());
        assert_eq!(envelope.open(&key.public()), Ok(order()));
        assert_eq!(
            envelope.open::<Order>(&other.public()),
            Err(EnvelopeError::Signature)
        );
    }

    #[test]
    fn one_changed_byte_breaks_the_seal() {
        let key = OrderKey::from_pkcs8(&OrderKey::generate().unwrap()).unwrap();
        let mut envelope = key.seal(&order());
        envelope.order = envelope.order.replace("\"device\":7", "\"device\":8");
        assert_eq!(
            envelope.open::<Order>(&key.public()),
            Err(EnvelopeError::Signature)
        );
    }

    #[test]
    fn what_was_sealed_as_one_thing_is_not_opened_as_another() {
        let key = OrderKey::from_pkcs8(&OrderKey::generate().unwrap()).unwrap();
        let windows = crate::assignment::DeviceWindows {
            device: DeviceId(7),
            sequence: 1,
            windows: vec![],
        };
        let envelope = key.seal(&windows);
        assert_eq!(envelope.open(&key.public()), Ok(windows));
        let opened = envelope.open::<Order>(&key.public());
        assert!(matches!(opened, Err(EnvelopeError::Unreadable(_))));
    }
}
