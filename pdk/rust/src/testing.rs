//! Runs connectors natively, against a vendor whose answers a test writes down.
//!
//! ```
//! # use agenthost_pdk::*;
//! # static CONNECTOR: Connector = Connector {
//! #     operations: &[Operation { method: "GET", path: "/me", ..Operation::read("users", "me", "Who I am.") }],
//! #     ..Connector::new("hello", "Hello", "1.0.0")
//! # };
//! use agenthost_pdk::testing::{execute, Answer};
//!
//! let outcome = execute(&CONNECTOR, r#"{"entity":"users","action":"me","params":{}}"#, &[Answer::json(200, r#"{"id":1}"#)]);
//! assert_eq!(outcome.requests[0].json, r#"{"method":"GET","path":"/me"}"#);
//! assert_eq!(outcome.output, r#"{"data":{"id":1},"meta":{}}"#);
//! ```
//!
//! It does not know the rules of the host for requests: `agenthost plugin test` does.

use std::cell::RefCell;

use crate::json::{Json, JsonKind};
use crate::table::Connector;

/// What the vendor answers to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A response.
    Response {
        /// The status of HTTP.
        status: i32,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The request fails with an error of the host, as JSON.
    Failure(String),
}

impl Answer {
    /// A response with JSON.
    pub fn json(status: i32, body: &str) -> Answer {
        let headers = vec![("Content-Type".to_string(), "application/json".to_string())];
        Answer::Response { status, headers, body: body.as_bytes().to_vec() }
    }
}

/// A request that the connector sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The request as JSON, without its body.
    pub json: String,
    /// The body.
    pub body: String,
}

/// What a call did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The requests, in their order.
    pub requests: Vec<Sent>,
    /// What the connector wrote.
    pub output: String,
    /// What the export returned: 0 is good.
    pub result: i32,
}

/// Runs an operation on an input: `{"entity":"issues","action":"list","params":{}}`. Each request gets the next of
/// the answers.
pub fn execute(connector: &'static Connector, input: &str, answers: &[Answer]) -> Outcome {
    HOST.with_borrow_mut(|host| {
        *host = Host { values: vec![Kept::bytes(input.as_bytes())], answers: answers.to_vec(), ..Host::default() };
    });
    let result = crate::execute(connector);
    HOST.with_borrow_mut(|host| Outcome {
        requests: std::mem::take(&mut host.requests),
        output: String::from_utf8_lossy(&host.output).into_owned(),
        result,
    })
}

/// The part of a JSON text at a JSON Pointer, for tests that look into an output.
pub fn part<'a>(json: &'a str, pointer: &str) -> Option<&'a str> {
    std::str::from_utf8(find(Json(json.as_bytes()), pointer)?.0).ok()
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::new(Host::default());
}

#[derive(Default)]
struct Host {
    values: Vec<Kept>,
    answers: Vec<Answer>,
    requests: Vec<Sent>,
    output: Vec<u8>,
    error: i32,
}

/// A value of the host.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    status: i32,
    headers: Vec<(String, String)>,
}

impl Kept {
    fn bytes(bytes: &[u8]) -> Kept {
        Kept { bytes: bytes.to_vec(), ..Kept::default() }
    }
}

impl Host {
    fn keep(&mut self, kept: Kept) -> i32 {
        self.values.push(kept);
        self.values.len() as i32
    }

    fn value(&self, handle: i32) -> &Kept {
        &self.values[handle as usize - 1]
    }

    fn fail(&mut self, error: &str) -> i32 {
        self.error = self.keep(Kept::bytes(error.as_bytes()));
        -1
    }

    fn send(&mut self, request: &[u8], body: &[u8]) -> i32 {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        self.requests.push(Sent { json: text(request), body: text(body) });
        if self.answers.is_empty() {
            return self
                .fail(r#"{"kind":"denied","message":"the test has no answer to this request","retryable":false,"request_sent":false}"#);
        }
        match self.answers.remove(0) {
            Answer::Failure(error) => self.fail(&error),
            Answer::Response { status, headers, body } => self.keep(Kept { bytes: body, status, headers }),
        }
    }

    fn header(&mut self, handle: i32, name: &str) -> i32 {
        let found: Vec<_> =
            self.value(handle).headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str()).collect();
        if found.is_empty() {
            return 0;
        }
        let joined = found.join(", ");
        self.keep(Kept::bytes(joined.as_bytes()))
    }

    fn part(&mut self, handle: i32, pointer: &str) -> i32 {
        let of = Json(&self.value(handle).bytes);
        let found = if valid(of.0) { find(of, pointer).map(|f| f.0.to_vec()) } else { None };
        found.map_or(0, |f| self.keep(Kept::bytes(&f)))
    }
}

fn find<'a>(mut json: Json<'a>, pointer: &str) -> Option<Json<'a>> {
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        json = match json.kind() {
            JsonKind::Array => json.elements().nth(segment.parse().ok()?)?,
            _ => json.member(&segment)?,
        };
    }
    Some(json)
}

/// Whether bytes are one JSON text, nearly: numbers and escapes are not looked into.
fn valid(text: &[u8]) -> bool {
    fn value(text: &[u8], mut at: usize, depth: usize) -> Option<usize> {
        let space = |mut at: usize| {
            while text.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            at
        };
        at = space(at);
        let end = match *text.get(at)? {
            open @ (b'{' | b'[') if depth < 1000 => {
                let close = open + 2;
                at = space(at + 1);
                while *text.get(at)? != close {
                    if open == b'{' {
                        at = space(value(text, at, 1000).filter(|_| text[at] == b'"')?);
                        at = (*text.get(at)? == b':').then_some(at + 1)?;
                    }
                    at = space(value(text, at, depth + 1)?);
                    match *text.get(at)? {
                        b',' if !matches!(text.get(space(at + 1)), None | Some(b'}' | b']')) => at = space(at + 1),
                        c if c == close => {}
                        _ => return None,
                    }
                }
                at + 1
            }
            b'"' => {
                at += 1;
                while *text.get(at)? != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                at + 1
            }
            b'-' | b'0'..=b'9' => at + text[at..].iter().take_while(|c| c.is_ascii_alphanumeric() || b"+-.".contains(c)).count(),
            _ => at + ["null", "true", "false"].iter().find(|word| text[at..].starts_with(word.as_bytes()))?.len(),
        };
        Some(space(end))
    }
    value(text, 0, 0) == Some(text.len())
}

/// The functions of the host, as module host has them in WebAssembly.
pub(crate) mod functions {
    use super::{valid, Kept, HOST};
    use crate::json::{Json, JsonKind};

    pub fn length(handle: i32) -> i32 {
        HOST.with_borrow(|host| host.value(handle).bytes.len() as i32)
    }

    pub fn read(handle: i32, offset: usize, to: &mut [u8]) -> i32 {
        HOST.with_borrow(|host| {
            let from = &host.value(handle).bytes[offset..];
            let n = to.len().min(from.len());
            to[..n].copy_from_slice(&from[..n]);
            n as i32
        })
    }

    pub fn kind(handle: i32) -> i32 {
        HOST.with_borrow(|host| {
            let bytes = &host.value(handle).bytes;
            if valid(bytes) {
                Json(bytes).kind() as i32
            } else {
                0
            }
        })
    }

    pub fn count(handle: i32) -> i32 {
        HOST.with_borrow(|host| {
            let json = Json(&host.value(handle).bytes);
            let n = if json.kind() == JsonKind::Array { json.elements().count() } else { json.members().count() };
            n as i32
        })
    }

    pub fn part(handle: i32, pointer: &str) -> i32 {
        HOST.with_borrow_mut(|host| host.part(handle, pointer))
    }

    pub fn free(_handle: i32) -> i32 {
        0
    }

    pub fn send(request: &[u8], body: &[u8]) -> i32 {
        HOST.with_borrow_mut(|host| host.send(request, body))
    }

    pub fn status(handle: i32) -> i32 {
        HOST.with_borrow(|host| host.value(handle).status)
    }

    pub fn header(handle: i32, name: &str) -> i32 {
        HOST.with_borrow_mut(|host| host.header(handle, name))
    }

    pub fn write(bytes: &[u8]) -> i32 {
        HOST.with_borrow_mut(|host| host.output.extend_from_slice(bytes));
        0
    }

    pub fn write_part(handle: i32) -> i32 {
        HOST.with_borrow_mut(|host| {
            let bytes = host.value(handle).bytes.trim_ascii().to_vec();
            host.output.extend_from_slice(&bytes);
        });
        0
    }

    pub fn wait(_milliseconds: i32) -> i32 {
        0
    }

    pub fn line(_level: i32, text: &str) -> i32 {
        eprintln!("{text}");
        0
    }

    pub fn last_error() -> i32 {
        HOST.with_borrow_mut(|host| match host.error {
            0 => host.keep(Kept::bytes(b"null")),
            handle => handle,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_json() {
        for good in ["{}", " [1, {\"a\": null}] ", "\"\\\"\"", "-1.5e3", "true", "[[],[[]]]"] {
            assert!(valid(good.as_bytes()), "{good}");
        }
        for bad in ["", "{", "[1,]", "{\"a\"}", "{1:2}", "nul", "{}{}", "<html>", "[1 2]", "\"a"] {
            assert!(!valid(bad.as_bytes()), "{bad}");
        }
    }
}
