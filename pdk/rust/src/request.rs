use crate::host;
use crate::json::{Json, JsonKind, Writer};
use crate::table::Style;
use crate::value::Value;

/// A request to the vendor. It names a server and a template that the running operation declares; the host
/// refuses others. The host adds the origin, the credential, Accept and User-Agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The id of a server; empty means the connection's.
    pub server: String,
    /// The method of HTTP.
    pub method: String,
    /// The declared template: `/issues/{id}`.
    pub path: String,
    /// Names and values of the template's parameters; the host escapes them.
    pub path_params: Vec<(String, String)>,
    /// Names and values in the order in which they are sent; the host escapes them.
    pub query: Vec<(String, String)>,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty means none.
    pub body: Vec<u8>,
}

impl Request {
    pub(crate) fn json(&self) -> Vec<u8> {
        let mut w = Writer::default();
        let pair = |w: &mut Writer, (name, value): &(String, String)| {
            w.put("[");
            w.string(name);
            w.put(",");
            w.string(value);
            w.put("]");
        };
        w.object(|w| {
            w.text("server", &self.server);
            w.text("method", &self.method);
            w.text("path", &self.path);
            if !self.path_params.is_empty() {
                w.key("path_params");
                w.object(|w| {
                    for (name, value) in &self.path_params {
                        w.key(name);
                        w.string(value);
                    }
                });
            }
            for (name, pairs) in [("query", &self.query), ("headers", &self.headers)] {
                if !pairs.is_empty() {
                    w.list(name, pairs, pair);
                }
            }
        });
        w.0
    }

    /// Adds the parts of a value to the query, in their order.
    pub(crate) fn add_query(&mut self, name: &str, value: Json, style: Style) {
        match value.kind() {
            JsonKind::Invalid => {}
            JsonKind::Array if style != Style::Comma => {
                for (i, element) in value.elements().enumerate() {
                    match style {
                        Style::Brackets => self.add_query(&format!("{name}[]"), element, style),
                        Style::Indices => self.add_query(&format!("{name}[{i}]"), element, style),
                        _ => self.add_query(name, element, style),
                    }
                }
            }
            JsonKind::Object => {
                for (member, inner) in value.members() {
                    self.add_query(&format!("{name}[{}]", member.text().unwrap_or_default()), inner, style);
                }
            }
            _ => self.query.push((name.to_string(), value.joined())),
        }
    }
}

/// The vendor's answer to a request.
#[derive(Clone, Copy, Debug)]
pub struct Response {
    /// The status of HTTP.
    pub status: u16,
    /// The body, decoded.
    pub body: Value,
    /// The title of the connector, for messages.
    pub vendor: &'static str,
    /// The permission of the operation, for messages.
    pub permission: &'static str,
}

impl Response {
    /// The status is 2xx.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value of a header, empty if it is missing. Several values are joined by ", ".
    pub fn header(&self, name: &str) -> String {
        if host::fault() {
            return String::new();
        }
        let value = Value::of(host::header(self.body.0, name)).and_then(|v| v.read(64 << 10)).unwrap_or_default();
        String::from_utf8_lossy(&value).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_the_query() {
        for (style, want) in [
            (Style::Form, "tag=a tag=2 f[x]=true f[y][z]=null"),
            (Style::Comma, "tag=a,2 f[x]=true f[y][z]=null"),
            (Style::Brackets, "tag[]=a tag[]=2 f[x]=true f[y][z]=null"),
            (Style::Indices, "tag[0]=a tag[1]=2 f[x]=true f[y][z]=null"),
        ] {
            let mut r = Request::default();
            r.add_query("tag", Json(br#"["a", 2]"#), style);
            r.add_query("f", Json(br#"{"x":true,"y":{"z":null}}"#), style);
            let got: Vec<_> = r.query.iter().map(|(n, v)| format!("{n}={v}")).collect();
            assert_eq!(got.join(" "), want);
        }
    }
}
