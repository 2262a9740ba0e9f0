use crate::host;
use crate::json::{Json, JsonKind};

/// A JSON value, or the bytes of a response, that the host keeps until the call ends. Its bytes enter
/// the connector's memory only when they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(pub(crate) i32);

/// The longest value that [`Value::text`] and [`Value::integer`] read, in bytes.
const LONGEST: usize = 1 << 20;

impl Value {
    /// The input of the call.
    pub(crate) const INPUT: Value = Value(1);

    /// A handle that the host gave: 0 is none.
    pub(crate) fn of(handle: i32) -> Option<Value> {
        match host::checked(handle) {
            Some(handle) if handle > 0 => Some(Value(handle)),
            _ => None,
        }
    }

    /// The part of the value at a JSON Pointer (RFC 6901), such as `/data/0/id`. The host finds it,
    /// without copying.
    pub fn part(self, pointer: &str) -> Option<Value> {
        if pointer.is_empty() {
            return Some(self);
        }
        if host::fault() {
            return None;
        }
        Value::of(host::part(self.0, pointer))
    }

    /// The kind of the value; [`JsonKind::Invalid`] if it is not JSON.
    pub fn kind(self) -> JsonKind {
        if host::fault() {
            return JsonKind::Invalid;
        }
        JsonKind::of(host::checked(host::kind(self.0)).unwrap_or(0))
    }

    /// Its length in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(self) -> usize {
        if host::fault() {
            return 0;
        }
        host::checked(host::length(self.0)).unwrap_or(0) as usize
    }

    /// How many elements an array has, or members an object.
    pub fn count(self) -> usize {
        if host::fault() {
            return 0;
        }
        host::checked(host::count(self.0)).unwrap_or(0) as usize
    }

    /// Copies the value, nothing if it is longer than `most`.
    pub fn read(self, most: usize) -> Option<Vec<u8>> {
        let length = self.len();
        if length > most || host::fault() {
            return None;
        }
        let mut bytes = vec![0; length];
        let mut at = 0;
        while at < length {
            match host::read(self.0, at, &mut bytes[at..]) {
                n if n > 0 => at += n as usize,
                _ => {
                    host::set_fault(true);
                    return None;
                }
            }
        }
        Some(bytes)
    }

    /// The text of a string of at most 1 MiB, nothing for anything else.
    pub fn text(self) -> Option<String> {
        Json(&self.read(LONGEST)?).text()
    }

    /// A whole number of 64 bits, nothing for anything else.
    pub fn integer(self) -> Option<i64> {
        Json(&self.read(LONGEST)?).integer()
    }

    /// Its bytes, if they are `json`.
    pub(crate) fn is(self, json: &str) -> bool {
        self.read(LONGEST).as_deref() == Some(json.as_bytes())
    }

    /// Tells the host that the value is no longer needed. Connectors that read many pages in one
    /// call use it to stay within the host's limits.
    pub fn free(self) {
        if !host::fault() {
            host::free(self.0);
        }
    }
}
