//! What a rumor carries.

use alloc::boxed::Box;
use core::fmt;

use smallvec::SmallVec;

/// Bytes that the application broadcasts, and the key that says when two of them are the same.
///
/// The core reads neither. Most payloads are their own key; a host whose values have several
/// spellings gives the canonical one along.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    // Most values are small: 24 bytes inline spare an allocation each way through the node.
    bytes: SmallVec<[u8; 24]>,
    key: Option<Box<[u8]>>,
}

impl Payload {
    /// A payload that is its own key.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self { bytes: SmallVec::from_slice(bytes), key: None }
    }

    /// A payload that is the same as every other with this `key`.
    #[must_use]
    pub fn with_key(bytes: &[u8], key: &[u8]) -> Self {
        Self { bytes: SmallVec::from_slice(bytes), key: (bytes != key).then(|| key.into()) }
    }

    /// What the application gave.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What says when two payloads are the same.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.key.as_deref().unwrap_or(&self.bytes)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes.escape_ascii())
    }
}

/// Why a payload cannot be taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It is larger than [`Config::payload_bytes_max`](crate::Config::payload_bytes_max).
    TooLarge {
        /// Its size in bytes.
        len: usize,
        /// The largest size.
        max: usize,
    },
    /// There is no room for it: nothing that was taken in is ever let go.
    Full,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { len, max } => {
                write!(f, "the value is too large: {len} bytes, and {max} is the most")
            }
            Self::Full => {
                f.write_str("the node is full: it keeps all values, and has no room left")
            }
        }
    }
}
