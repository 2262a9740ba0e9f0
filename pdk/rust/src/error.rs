use crate::json::Writer;
use crate::request::Response;

/// What went wrong. docs/abi.md says what a caller does with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    InvalidParams,
    UnknownOperation,
    AuthFailed,
    PermissionDenied,
    NotFound,
    Conflict,
    RateLimited,
    VendorError,
    ConnectorFault,
}

impl Kind {
    /// The name of the kind in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::InvalidParams => "invalid_params",
            Kind::UnknownOperation => "unknown_operation",
            Kind::AuthFailed => "auth_failed",
            Kind::PermissionDenied => "permission_denied",
            Kind::NotFound => "not_found",
            Kind::Conflict => "conflict",
            Kind::RateLimited => "rate_limited",
            Kind::VendorError => "vendor_error",
            Kind::ConnectorFault => "connector_fault",
        }
    }
}

/// What a caller gets when a call fails. All texts are public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Says what to do.
    pub kind: Kind,
    /// What happened, in lower case, without a final stop.
    pub message: String,
    /// What to do next.
    pub hint: String,
    /// The parameter at fault.
    pub field: String,
    /// The same call may succeed later.
    pub retryable: bool,
    /// How long to wait before.
    pub retry_after_ms: u32,
    /// The vendor's status of HTTP.
    pub status: u16,
    /// The vendor's code.
    pub code: Box<str>,
    /// The vendor's name for the request.
    pub request_id: Box<str>,
}

impl Error {
    /// An error without anything but its kind and its message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error {
            kind,
            message: message.into(),
            hint: String::new(),
            field: String::new(),
            retryable: false,
            retry_after_ms: 0,
            status: 0,
            code: "".into(),
            request_id: "".into(),
        }
    }

    /// The error of a wrong parameter that passed the schema. The hint says what would be right.
    pub fn invalid_param(field: &str, message: impl Into<String>, hint: &str) -> Error {
        Error { field: field.to_string(), hint: hint.to_string(), ..Error::new(Kind::InvalidParams, message) }
    }

    /// Stands in the place of the host's error, with which the call ends.
    pub(crate) fn of_host() -> Error {
        Error::new(Kind::ConnectorFault, "a function of the host failed")
    }

    /// The error of a failed response, from its status and the header Retry-After.
    pub fn of_status(response: &Response) -> Error {
        Error::of_status_as(response, response.status)
    }

    /// [`Error::of_status`], as if the response had another status.
    pub(crate) fn of_status_as(response: &Response, status: u16) -> Error {
        let mut e = Error::new(Kind::VendorError, format!("{} answered with status {}", response.vendor, response.status));
        e.status = response.status;
        let (kind, hint, retryable) = match status {
            400 | 413 | 414 | 422 => {
                (Kind::InvalidParams, "change the parameters as the message says; the vendor did not do anything", false)
            }
            401 => (Kind::AuthFailed, "check the credential of this connection", false),
            403 => (Kind::PermissionDenied, "use a credential with the permission for this", false),
            404 | 410 => (Kind::NotFound, "check the ids; a list or search operation shows the valid ones", false),
            409 => (Kind::Conflict, "read the current state before trying again", false),
            429 => (Kind::RateLimited, "wait before trying again", true),
            408 | 425 | 500 | 502 | 503 | 504 => (Kind::VendorError, "try again later", true),
            _ => (Kind::VendorError, "", false),
        };
        e.kind = kind;
        e.hint = hint.to_string();
        e.retryable = retryable;
        if status == 403 && !response.permission.is_empty() {
            e.hint = format!("use a credential that has the permission {}, or leave it", response.permission);
        }
        if retryable {
            e.retry_after_ms = retry_after(response);
        }
        e
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.object(|w| {
            w.key("error");
            w.object(|w| {
                w.text("kind", self.kind.name());
                w.key("message");
                w.string(&self.message);
                w.text("hint", &self.hint);
                w.text("field", &self.field);
                w.json("retryable", if self.retryable { "true" } else { "false" });
                if self.retry_after_ms != 0 {
                    w.integer("retry_after_ms", i64::from(self.retry_after_ms));
                }
                w.json("request_sent", "false");
                if self.status != 0 {
                    w.integer("status", i64::from(self.status));
                }
                w.text("code", &self.code);
                w.text("request_id", &self.request_id);
            });
        });
        w.0
    }
}

/// The header Retry-After in milliseconds: 0 without one, at most a day. A connector has no reliable
/// clock, so a date counts from the response's own Date.
fn retry_after(response: &Response) -> u32 {
    const MOST: i64 = 24 * 60 * 60;
    let header = response.header("Retry-After");
    if !header.is_empty() && header.bytes().all(|c| c.is_ascii_digit()) {
        return header.parse::<u32>().map_or(0, |n| 1000 * n.min(MOST as u32));
    }
    match (seconds(&header), seconds(&response.header("Date"))) {
        (Some(then), Some(now)) if then > now => 1000 * (then - now).min(MOST) as u32,
        _ => 0,
    }
}

/// A time of HTTP in seconds: `Mon, 02 Jan 2006 15:04:05 GMT`.
fn seconds(time: &str) -> Option<i64> {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let number = |text: &str, most: i64| -> Option<i64> {
        let n = if text.bytes().all(|c| c.is_ascii_digit()) { text.parse().ok()? } else { return None };
        (n <= most).then_some(n)
    };
    if time.len() != 29 || !time.is_ascii() || &time[3..5] != ", " || &time[25..] != " GMT" {
        return None;
    }
    let at: Vec<&str> = time[5..25].split([' ', ':']).collect();
    let &[day, month, year, hour, minute, second] = at.as_slice() else { return None };
    let month = "JanFebMarAprMayJunJulAugSepOctNovDec".find(month).filter(|at| at % 3 == 0 && month.len() == 3)? / 3;
    let (day, year) = (number(day, 31)?, number(year, 9999)?);
    let before = year - 1;
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = year * 365 + before / 4 - before / 100 + before / 400 + BEFORE[month] + i64::from(month > 1 && leap) + day;
    Some(((days * 24 + number(hour, 23)?) * 60 + number(minute, 59)?) * 60 + number(second, 59)?)
}

/// Cuts a vendor's text to `most` bytes, between characters.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_string();
    }
    let mut cut = most;
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}...", &text[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_http() {
        let of = |time| seconds(time).unwrap();
        assert_eq!(of("Thu, 01 Jan 1970 00:01:00 GMT") - of("Thu, 01 Jan 1970 00:00:00 GMT"), 60);
        assert_eq!(of("Fri, 01 Mar 2024 00:00:00 GMT") - of("Wed, 28 Feb 2024 00:00:00 GMT"), 2 * 86400);
        assert_eq!(of("Wed, 01 Jan 2025 00:00:00 GMT") - of("Sun, 31 Dec 2023 23:59:59 GMT"), 366 * 86400 + 1);
        for bad in ["", "soon", "Thu, 01 Jan 1970 00:01:00 CET", "Thu, 01 Foo 1970 00:01:00 GMT", "Thu, 01 Jan 1970 24:01:00 GMT"] {
            assert!(seconds(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(shorten("aé", 2), "a...");
        assert_eq!(shorten("aé", 3), "aé");
    }
}
