//! JSON text: what the kit writes, and what it reads of the host, which has checked it.

/// The kind of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonKind {
    /// Absent, or no JSON.
    Invalid,
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl JsonKind {
    pub(crate) fn of(number: i32) -> JsonKind {
        use JsonKind::*;
        [Invalid, Null, Boolean, Number, String, Array, Object].get(number as usize).copied().unwrap_or(Invalid)
    }
}

/// JSON text in the connector's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<'a>(pub &'a [u8]);

impl<'a> Json<'a> {
    /// The kind of the value.
    pub fn kind(self) -> JsonKind {
        match self.0.iter().find(|c| !space(**c)) {
            None => JsonKind::Invalid,
            Some(b'{') => JsonKind::Object,
            Some(b'[') => JsonKind::Array,
            Some(b'"') => JsonKind::String,
            Some(b'n') => JsonKind::Null,
            Some(b't' | b'f') => JsonKind::Boolean,
            Some(_) => JsonKind::Number,
        }
    }

    /// The text of a string, nothing for anything else.
    pub fn text(self) -> Option<String> {
        if self.kind() != JsonKind::String {
            return None;
        }
        let trimmed = self.0.trim_ascii();
        let inner = &trimmed[1..trimmed.len() - 1];
        if !inner.contains(&b'\\') {
            return Some(String::from_utf8_lossy(inner).into_owned());
        }
        Some(unescape(inner))
    }

    /// A whole number of 64 bits.
    pub fn integer(self) -> Option<i64> {
        if self.kind() != JsonKind::Number {
            return None;
        }
        integer(self.0)
    }

    /// The member of an object, the last one of that name.
    pub fn member(self, name: &str) -> Option<Json<'a>> {
        self.members().filter(|(n, _)| n.names(name)).map(|(_, v)| v).last()
    }

    /// Compares the name of a member, as it stands in JSON, with a text. Few names have escapes.
    pub(crate) fn names(self, text: &str) -> bool {
        let inner = &self.0[1..self.0.len() - 1];
        inner == text.as_bytes() || inner.contains(&b'\\') && unescape(inner) == text
    }

    /// The members of an object, in their order. A name is a JSON string.
    pub fn members(self) -> impl Iterator<Item = (Json<'a>, Json<'a>)> {
        let mut walk = Walk::of(self, JsonKind::Object);
        std::iter::from_fn(move || {
            let name = walk.next()?;
            walk.skip(b':');
            Some((name, walk.next()?))
        })
    }

    /// The elements of an array.
    pub fn elements(self) -> impl Iterator<Item = Json<'a>> {
        let mut walk = Walk::of(self, JsonKind::Array);
        std::iter::from_fn(move || walk.next())
    }

    /// A value in a path or a query: a text without quotes, anything else as JSON.
    pub(crate) fn scalar(self) -> String {
        self.text().unwrap_or_else(|| String::from_utf8_lossy(self.0).into_owned())
    }

    /// A value as one text; commas join the elements of an array.
    pub(crate) fn joined(self) -> String {
        if self.kind() != JsonKind::Array {
            return self.scalar();
        }
        self.elements().map(Json::scalar).collect::<Vec<_>>().join(",")
    }
}

pub(crate) fn integer(digits: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(digits).ok()?;
    if text.starts_with('+') {
        return None;
    }
    text.parse().ok()
}

fn space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b'\r')
}

/// Walks over the values of an array or an object. The text is valid, so that what stands between
/// values can be skipped.
struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn of(json: Json<'a>, kind: JsonKind) -> Walk<'a> {
        let text = if json.kind() == kind { json.0.trim_ascii() } else { &[] };
        Walk { text, at: 1 }
    }

    fn skip(&mut self, separator: u8) {
        while self.text.get(self.at).is_some_and(|c| space(*c) || *c == separator) {
            self.at += 1;
        }
    }

    fn next(&mut self) -> Option<Json<'a>> {
        self.skip(b',');
        let start = self.at;
        if start + 1 >= self.text.len() {
            return None;
        }
        let mut depth = 0;
        loop {
            match *self.text.get(self.at)? {
                b'"' => self.string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                c if space(c) => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    while self.text.get(self.at).is_some_and(|c| !space(*c) && !matches!(c, b',' | b'}' | b']')) {
                        self.at += 1;
                    }
                }
            }
            if depth <= 0 {
                return Some(Json(&self.text[start..self.at]));
            }
        }
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(c) = self.text.get(self.at) {
            self.at += match c {
                b'\\' => 2,
                b'"' => break,
                _ => 1,
            };
        }
        self.at += 1;
    }
}

fn unescape(mut s: &[u8]) -> String {
    let mut out = Vec::with_capacity(s.len());
    while let Some(at) = s.iter().position(|c| *c == b'\\') {
        out.extend_from_slice(&s[..at]);
        let Some(c) = s.get(at + 1) else { break };
        s = &s[at + 2..];
        let mut rune = match c {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => '\u{fffd}',
            c => *c as char,
        };
        if *c == b'u' {
            let first = hex4(s).unwrap_or(0xfffd);
            s = s.get(4..).unwrap_or(&[]);
            let second = if s.starts_with(b"\\u") { hex4(&s[2..]) } else { None };
            match (first, second) {
                (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                    rune = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00)).unwrap_or(rune);
                    s = &s[6..];
                }
                _ => rune = char::from_u32(first).unwrap_or(rune),
            }
        }
        out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
    }
    out.extend_from_slice(s);
    String::from_utf8_lossy(&out).into_owned()
}

fn hex4(s: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(s.get(..4)?).ok()?, 16).ok()
}

/// JSON text under construction.
#[derive(Default)]
pub(crate) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn put(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    pub fn raw(&mut self, json: Json) {
        self.0.extend_from_slice(json.0);
    }

    pub fn comma(&mut self) {
        if !matches!(self.0.last(), None | Some(b'{' | b'[')) {
            self.put(",");
        }
    }

    pub fn key(&mut self, name: &str) {
        self.comma();
        self.string(name);
        self.put(":");
    }

    pub fn string(&mut self, text: &str) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.put("\"");
        for c in text.bytes() {
            match c {
                b'"' | b'\\' => self.0.extend_from_slice(&[b'\\', c]),
                b'\n' => self.put("\\n"),
                b'\r' => self.put("\\r"),
                b'\t' => self.put("\\t"),
                c if c < 0x20 => self.0.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[usize::from(c >> 4)], HEX[usize::from(c & 15)]]),
                c => self.0.push(c),
            }
        }
        self.put("\"");
    }

    /// A member that is left out if it is empty.
    pub fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.key(name);
            self.string(value);
        }
    }

    pub fn json(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.key(name);
            self.put(value);
        }
    }

    pub fn integer(&mut self, name: &str, value: i64) {
        self.json(name, &value.to_string());
    }

    /// A member that is left out if it is false.
    pub fn truth(&mut self, name: &str, value: bool) {
        if value {
            self.json(name, "true");
        }
    }

    pub fn texts(&mut self, name: &str, values: &[&str]) {
        if !values.is_empty() {
            self.list(name, values, |w, value| w.string(value));
        }
    }

    pub fn list<T>(&mut self, name: &str, values: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.key(name);
        self.put("[");
        for value in values {
            self.comma();
            write(self, value);
        }
        self.put("]");
    }

    pub fn object(&mut self, write: impl FnOnce(&mut Writer)) {
        self.put("{");
        write(self);
        self.put("}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_is_given() {
        let json = Json(br#" {"a" : [1, "x\"]", {"b":null}] , "a\u0062":-7, "c":true,"d":"\ud83d\ude00\n\u00e9\ud800"} "#);
        assert_eq!(json.kind(), JsonKind::Object);
        assert_eq!(json.members().count(), 4);
        let a: Vec<_> = json.member("a").unwrap().elements().map(|e| String::from_utf8_lossy(e.0).into_owned()).collect();
        assert_eq!(a, ["1", r#""x\"]""#, r#"{"b":null}"#]);
        assert_eq!(json.member("ab").unwrap().integer(), Some(-7));
        assert_eq!(json.member("d").unwrap().text().unwrap(), "\u{1f600}\né\u{fffd}");
        assert!(json.member("e").is_none());
        assert_eq!(Json(b"[]").elements().count(), 0);
        assert_eq!(Json(b"{ }").members().count(), 0);
        assert_eq!(Json(b"1.5").integer(), None);
        assert_eq!(Json(b"9223372036854775808").integer(), None);
    }

    #[test]
    fn writes_what_can_be_read() {
        let mut w = Writer::default();
        w.object(|w| {
            w.text("a\"", "\\\u{1}\té");
            w.text("empty", "");
            w.integer("n", -3);
            w.texts("list", &["x", "y"]);
        });
        assert_eq!(String::from_utf8(w.0).unwrap(), r#"{"a\"":"\\\u0001\té","n":-3,"list":["x","y"]}"#);
    }
}
