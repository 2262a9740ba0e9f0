use crate::error::{shorten, Error};
use crate::json::{Json, JsonKind};
use crate::request::Response;

/// How a vendor reports failures in JSON. Of several pointers, the first one that leads to something
/// counts; in them `*` stands for each element of an array and each member of an object.
#[derive(Clone, Copy)]
pub struct Failures {
    /// Conditions, one of which makes a failure of a response with a status of 2xx.
    pub conditions: &'static [Condition],
    /// Lead to texts, which are joined.
    pub message: &'static [&'static str],
    /// Lead to the vendor's code.
    pub code: &'static [&'static str],
    /// Lead to the parameter at fault.
    pub field: &'static [&'static str],
    /// Lead to the vendor's name for the request.
    pub request_id: &'static [&'static str],
    /// Statuses of HTTP that say the same as codes.
    pub codes: &'static [(&'static str, u16)],
}

impl Failures {
    /// Nothing, for the fields that are left out.
    pub const NONE: Failures = Failures { conditions: &[], message: &[], code: &[], field: &[], request_id: &[], codes: &[] };

    pub(crate) fn has(&self, response: &Response) -> bool {
        self.conditions.iter().any(|c| c.holds(response))
    }

    pub(crate) fn error(&self, response: &Response) -> Error {
        const LONGEST: usize = 255;
        let body = match response.body.kind() {
            JsonKind::Object => response.body.read(64 << 10).unwrap_or_default(),
            _ => Vec::new(),
        };
        let first = |pointers| shorten(&texts(&body, pointers).into_iter().next().unwrap_or_default(), LONGEST);
        let code = first(self.code);
        let status = self.codes.iter().find(|(c, _)| *c == code).map_or(response.status, |(_, status)| *status);
        let mut e = Error::of_status_as(response, status);
        e.field = first(self.field);
        e.request_id = first(self.request_id).into();
        let mut message = texts(&body, self.message).join("; ");
        if message.is_empty() {
            message.clone_from(&code);
        }
        e.code = code.into();
        if !message.is_empty() {
            e.message = format!("{}: {}", response.vendor, shorten(&message, 1000));
        } else if response.ok() {
            e.message = format!("{} answered with neither a result nor an error", response.vendor);
        }
        e
    }
}

/// Is about a part of a response's body, or about a header.
#[derive(Clone, Copy)]
pub struct Condition {
    /// A JSON Pointer.
    pub pointer: &'static str,
    /// The name of a header to look at instead; may be empty.
    pub header: &'static str,
    /// What is there, as JSON text; empty means anything but null and false.
    pub equals: &'static str,
    /// Turns the condition round.
    pub negated: bool,
}

impl Condition {
    /// There is something other than null and false.
    pub const fn present(pointer: &'static str) -> Condition {
        Condition { pointer, header: "", equals: "", negated: false }
    }

    /// There is this JSON.
    pub const fn equals(pointer: &'static str, json: &'static str) -> Condition {
        Condition { pointer, header: "", equals: json, negated: false }
    }

    fn holds(&self, response: &Response) -> bool {
        let equals = Json(self.equals.as_bytes());
        if !self.header.is_empty() {
            let value = response.header(self.header);
            return (!value.is_empty() && (self.equals.is_empty() || value == equals.scalar())) != self.negated;
        }
        let holds = match response.body.part(self.pointer) {
            None => false,
            Some(part) => match part.read(1 << 10) {
                None => self.equals.is_empty(), // longer than what any condition says
                Some(value) if self.equals.is_empty() => value != b"null" && value != b"false",
                Some(value) => value == self.equals.as_bytes() || Json(&value).text().is_some_and(|t| Some(t) == equals.text()),
            },
        };
        holds != self.negated
    }
}

/// The texts, and numbers as texts, to which the first of the pointers leads that leads to some.
fn texts(body: &[u8], pointers: &[&str]) -> Vec<String> {
    for pointer in pointers {
        let mut found = Vec::new();
        collect(Json(body), pointer, &mut found);
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn collect(value: Json, pointer: &str, found: &mut Vec<String>) {
    let Some(rest) = pointer.strip_prefix('/') else {
        let text = value.scalar();
        if !text.is_empty() && matches!(value.kind(), JsonKind::String | JsonKind::Number) {
            found.push(text);
        }
        return;
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (segment, rest) = rest.split_at(end);
    if segment == "*" {
        value.elements().for_each(|v| collect(v, rest, found));
        value.members().for_each(|(_, v)| collect(v, rest, found));
        return;
    }
    let segment = segment.replace("~1", "/").replace("~0", "~");
    let next = match value.kind() {
        JsonKind::Array => segment.parse().ok().and_then(|n| value.elements().nth(n)),
        _ => value.member(&segment),
    };
    if let Some(next) = next {
        collect(next, rest, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_to_texts() {
        let body = br#"{"errors":[{"message":"a"},{"message":2},{"message":{}}],"a/b":"c","n":null}"#;
        assert_eq!(texts(body, &["/none", "/errors/*/message"]), ["a", "2"]);
        assert_eq!(texts(body, &["/errors/1/message"]), ["2"]);
        assert_eq!(texts(body, &["/a~1b"]), ["c"]);
        assert!(texts(body, &["/n", "/errors", ""]).is_empty());
    }
}
