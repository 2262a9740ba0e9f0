use crate::error::{shorten, Error, Kind};
use crate::host;
use crate::json::{integer, Json, JsonKind, Writer};
use crate::page::Next;
use crate::request::{Request, Response};
use crate::table::{Connector, Effect, Operation, Param, Place};
use crate::value::Value;

/// One execution of an operation.
pub struct Call {
    pub(crate) connector: &'static Connector,
    pub(crate) operation: &'static Operation,
    fields: Vec<Slot>,
    answer: Answer,
}

/// A parameter in a call.
struct Slot {
    param: Param,
    value: Option<Vec<u8>>,
    given: bool,
}

/// What the call answers. It reaches the caller only if the operation ends without an error.
#[derive(Default)]
struct Answer {
    data: Data,
    meta: Writer,
    /// Values of the host, and where they are in meta.
    parts: Vec<(usize, Value)>,
}

#[derive(Default)]
enum Data {
    #[default]
    Empty,
    Json(Vec<u8>),
    Host(Value),
    /// The only member of an object.
    Wrapped(Value),
}

impl Call {
    pub(crate) fn open(connector: &'static Connector, operation: &'static Operation, params: Json) -> Result<Call, Error> {
        let mut fields: Vec<_> = operation
            .all_params()
            .into_iter()
            .map(|param| {
                let otherwise = param.otherwise.json();
                Slot { param, value: (!otherwise.is_empty()).then(|| otherwise.into_bytes()), given: false }
            })
            .collect();
        for (name, value) in params.members() {
            if let Some(slot) = fields.iter_mut().find(|f| name.names(f.param.name) && !f.param.constant) {
                slot.value = Some(value.0.to_vec());
                slot.given = true;
            }
        }
        let mut call = Call { connector, operation, fields, answer: Answer::default() };
        if let Some(page) = &operation.page {
            for (vendor, uniform) in page.aliases() {
                call.unalias(vendor, uniform)?;
            }
            if page.place == Place::Body && page.counts() {
                call.number_cursor()?;
            }
        }
        Ok(call)
    }

    /// Gives a parameter of pagination that the caller gave under the vendor's name its uniform name.
    fn unalias(&mut self, vendor: &str, uniform: &str) -> Result<(), Error> {
        let Some(given) = self.param(vendor).map(|v| v.0.to_vec()) else { return Ok(()) };
        if let Some(same) = self.param(uniform) {
            let texts = Json(&given).text();
            if same.0 != given && (texts.is_none() || same.text() != texts) {
                let message = format!("{vendor} and {uniform} are two names of one parameter, and they differ");
                return Err(Error::invalid_param(vendor, message, "give one of them"));
            }
        }
        if let Some(slot) = self.slot_mut(uniform) {
            slot.value = Some(given);
            slot.given = true;
        }
        Ok(())
    }

    /// Turns a cursor that is a number into one, for a body.
    fn number_cursor(&mut self) -> Result<(), Error> {
        let Some(number) = self.param("cursor").map(Json::scalar) else { return Ok(()) };
        if integer(number.as_bytes()).unwrap_or(-1) < 0 {
            return Err(Error::invalid_param("cursor", "the cursor is not a number", "pass next_cursor of the page before"));
        }
        if let Some(slot) = self.slot_mut("cursor") {
            slot.value = Some(number.into_bytes());
        }
        Ok(())
    }

    fn slot_mut(&mut self, name: &str) -> Option<&mut Slot> {
        self.fields.iter_mut().find(|f| f.param.name == name && !f.param.constant)
    }

    /// The connector of the call.
    pub fn connector(&self) -> &'static Connector {
        self.connector
    }

    /// The operation that is called.
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// A parameter as the caller wrote it, nothing if the caller gave none.
    pub fn param(&self, name: &str) -> Option<Json<'_>> {
        self.fields.iter().find(|f| f.given && f.param.name == name)?.value.as_deref().map(Json)
    }

    /// The value of a parameter that is sent: the caller's, or what is sent otherwise.
    pub(crate) fn sent(&self, name: &str) -> Option<Json<'_>> {
        self.fields.iter().find(|f| f.param.name == name)?.value.as_deref().map(Json)
    }

    /// Writes a line to the host's log. Levels: 0 trace, 1 debug, 2 info, 3 warn, 4 error.
    pub fn log(&self, level: i32, line: &str) {
        host::line(level, line);
    }

    /// Waits, at most 30 seconds at once and 100 times in a call, for example until an export is
    /// ready. It uses no fuel.
    pub fn sleep(&self, milliseconds: i32) -> Result<(), Error> {
        if host::fault() || host::checked(host::wait(milliseconds)).is_none() {
            return Err(Error::of_host());
        }
        Ok(())
    }

    /// Executes the operation as its row says: it builds and sends the request, and makes an error of
    /// a bad answer and the result of a good one.
    pub fn run(&mut self) -> Result<(), Error> {
        let response = self.perform(&self.request())?;
        self.respond(&response)
    }

    /// The request of the row, with the parameters in place.
    pub fn request(&self) -> Request {
        let op = self.operation;
        let mut r =
            Request { server: op.server.to_string(), method: op.method.to_string(), path: op.path.to_string(), ..Request::default() };
        let accept = if op.accept.is_empty() { self.connector.accept } else { op.accept };
        if !accept.is_empty() {
            r.headers.push(("Accept".to_string(), accept.to_string()));
        }
        let mut body = Writer::default();
        let has_body = self.fields.iter().any(|f| f.param.place == Place::Body);
        if has_body {
            r.headers.push(("Content-Type".to_string(), "application/json".to_string()));
            body.put("{");
        }
        for f in &self.fields {
            let Some(value) = f.value.as_deref().map(Json) else { continue };
            let name = f.param.wire;
            match f.param.place {
                Place::Input => {}
                Place::Path => r.path_params.push((name.to_string(), value.scalar())),
                Place::Query => r.add_query(name, value, f.param.style),
                Place::Header => r.headers.push((name.to_string(), value.joined())),
                Place::Body => {
                    body.key(name);
                    body.raw(value);
                }
            }
        }
        if has_body {
            body.put("}");
            r.body = body.0;
        }
        r
    }

    /// Sends a request and returns the response, of any status. If there is none, the call ends
    /// with the host's error.
    pub fn send(&self, request: &Request) -> Result<Response, Error> {
        if host::fault() {
            return Err(Error::of_host());
        }
        let body = Value::of(host::send(&request.json(), &request.body)).ok_or_else(Error::of_host)?;
        let status = host::checked(host::status(body.0)).ok_or_else(Error::of_host)?;
        Ok(Response { status: status as u16, body, vendor: self.connector.title, permission: self.operation.permission })
    }

    /// Is [`Call::send`], but also fails for a response that reports a failure.
    pub fn perform(&self, request: &Request) -> Result<Response, Error> {
        let response = self.send(request)?;
        let failures = self.connector.failures.as_ref();
        if response.ok() && !failures.is_some_and(|f| f.has(&response)) {
            return Ok(response);
        }
        Err(failures.map_or_else(|| Error::of_status(&response), |f| f.error(&response)))
    }

    /// Makes the result of a response, as the row says.
    pub fn respond(&mut self, response: &Response) -> Result<(), Error> {
        let next = self.operation.page.as_ref().map_or(Next::LAST, |page| page.next(self, response));
        self.respond_with(response, &next)
    }

    /// Is [`Call::respond`] with the connector's own next cursor, nothing on the last page.
    pub fn respond_page(&mut self, response: &Response, next: Option<&str>) -> Result<(), Error> {
        let lost = || self.operation.page.as_ref().is_some_and(|p| p.says_more(response) == Some(true));
        let next = next.filter(|c| !c.is_empty()).map_or_else(|| Next::lost(lost()), Next::text);
        self.respond_with(response, &next)
    }

    fn respond_with(&mut self, response: &Response, next: &Next) -> Result<(), Error> {
        let meta_of = self.respond_data(response)?;
        let page = self.operation.page.as_ref();
        for m in self.operation.meta {
            let uniform = matches!(m.name, "next_cursor" | "has_more");
            if !m.header.is_empty() {
                if !uniform {
                    self.answer.meta.text(m.name, &response.header(m.header));
                }
            } else if page.is_some_and(|p| !p.more.is_empty() && p.more == m.pointer) {
                self.answer.meta.json(m.name, next.has_more());
            } else if page.is_some_and(|p| !p.cursor.is_empty() && p.cursor == m.pointer) {
                self.answer.meta.key(m.name);
                self.answer.meta.raw(next.or_null());
            } else if let Some(value) = meta_of.filter(|_| !uniform).and_then(|v| v.part(m.pointer)) {
                self.meta_value(m.name, value);
            }
        }
        if page.is_some() {
            self.answer.meta.key("next_cursor");
            self.answer.meta.raw(next.or_null());
            self.answer.meta.json("has_more", next.has_more());
        }
        Ok(())
    }

    /// Sets the data, and returns the value that has its meta.
    fn respond_data(&mut self, response: &Response) -> Result<Option<Value>, Error> {
        let op = self.operation;
        let (lists, reads) = (op.lists(), op.effect == Effect::Read);
        let data = response.body.part(op.data);
        let mut kind = data.map_or(JsonKind::Invalid, Value::kind);
        if let Some(data) = data.filter(|_| kind == if lists { JsonKind::Array } else { JsonKind::Object }) {
            self.answer.data = Data::Host(data);
            return Ok(Some(response.body));
        }
        let body = response.body.kind();
        let meta_of = matches!(body, JsonKind::Object | JsonKind::Array).then_some(response.body);
        if meta_of.is_none() {
            kind = JsonKind::Invalid; // it is empty
        }
        let nothing = matches!(kind, JsonKind::Invalid | JsonKind::Null);
        let no_json = body == JsonKind::Invalid;
        if data.is_none() && !no_json && reads && !op.data_optional {
            return Err(unexpected(response, &format!("without {}, where its records should be", op.data)));
        }
        if lists && meta_of.is_some() && nothing {
            self.answer.data = Data::Json(b"[]".to_vec());
        } else if lists && !no_json {
            return Err(unexpected(response, "with something other than a list of records"));
        } else if lists
            || reads && no_json && (response.body.len() > 0 || response.status == 200 && !response.header("Content-Type").is_empty())
        {
            // A proxy's page, or a truncated answer. A write may have happened, so there the status decides.
            return Err(unexpected(response, &format!("with {}", not_json(response))));
        } else if nothing {
            self.answer.data = Data::Empty;
        } else {
            // The vendor succeeded; an odd answer must not turn that into an error.
            self.answer.data = data.map_or(Data::Empty, Data::Wrapped);
        }
        Ok(meta_of)
    }

    /// Makes a value of the host the data.
    pub fn data_value(&mut self, value: Value) {
        self.answer.data = Data::Host(value);
    }

    /// Makes JSON text the data.
    pub fn data_json(&mut self, json: impl Into<Vec<u8>>) {
        self.answer.data = Data::Json(json.into());
    }

    /// Adds a value of the host to meta.
    pub fn meta_value(&mut self, name: &str, value: Value) {
        self.answer.meta.key(name);
        self.answer.parts.push((self.answer.meta.0.len(), value));
    }

    /// Adds JSON text to meta.
    pub fn meta_json(&mut self, name: &str, json: &str) {
        self.answer.meta.json(name, json);
    }

    pub(crate) fn flush(&self) -> Result<(), ()> {
        host::output(b"{\"data\":")?;
        match &self.answer.data {
            Data::Empty => host::output(b"{}")?,
            Data::Json(json) => host::output(json)?,
            Data::Host(value) => host::output_value(value.0)?,
            Data::Wrapped(value) => {
                host::output(b"{\"value\":")?;
                host::output_value(value.0)?;
                host::output(b"}")?;
            }
        }
        host::output(b",\"meta\":{")?;
        let mut from = 0;
        for (at, value) in &self.answer.parts {
            host::output(&self.answer.meta.0[from..*at])?;
            host::output_value(value.0)?;
            from = *at;
        }
        host::output(&self.answer.meta.0[from..])?;
        host::output(b"}}")
    }
}

/// The error of an answer that is not what the row says.
fn unexpected(response: &Response, what: &str) -> Error {
    let of_status = Error::of_status(response);
    Error { kind: Kind::VendorError, message: format!("{} answered {what}", response.vendor), hint: String::new(), ..of_status }
}

/// Says what a response has instead of JSON.
fn not_json(response: &Response) -> String {
    let what = if response.body.len() == 0 { "an empty body" } else { "something other than JSON" };
    match response.header("Content-Type").as_str() {
        "" => format!("{what}, and no content type"),
        content_type => format!("{what}, of the content type {}", shorten(content_type, 100)),
    }
}
