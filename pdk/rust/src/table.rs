//! The table that a connector is made of.

use crate::call::Call;
use crate::error::Error;
use crate::failures::Failures;
use crate::page::Page;

/// A whole connector. Keep it in a static.
#[derive(Clone, Copy)]
pub struct Connector {
    /// Identifies the connector: lower-case letters, digits and dashes.
    pub name: &'static str,
    /// The vendor's name as a person writes it.
    pub title: &'static str,
    /// The connector's own semantic version.
    pub version: &'static str,
    /// One or two sentences for people and language models.
    pub description: &'static str,
    /// Points to the vendor's API reference; may be empty.
    pub docs_url: &'static str,
    /// The places of the API; the first one is the default.
    pub servers: &'static [Server],
    /// The ways to authenticate. The host injects the credential; a connector never sees it.
    pub auth: &'static [Scheme],
    /// Entity and action of the operation that proves that a credential works.
    pub check: Option<(&'static str, &'static str)>,
    /// All operations of the connector.
    pub operations: &'static [Operation],
    /// The media type that requests accept; empty means JSON.
    pub accept: &'static str,
    /// How the vendor reports failures; without it, only the status says so.
    pub failures: Option<Failures>,
    /// Further members of the manifest as JSON text: `"rate_headers":[...]`.
    pub more: &'static str,
}

impl Connector {
    /// A connector without operations, for the fields that are left out.
    pub const fn new(name: &'static str, title: &'static str, version: &'static str) -> Connector {
        Connector {
            name,
            title,
            version,
            description: "",
            docs_url: "",
            servers: &[],
            auth: &[],
            check: None,
            operations: &[],
            accept: "",
            failures: None,
            more: "",
        }
    }
}

/// A place of the API.
#[derive(Clone, Copy)]
pub struct Server {
    /// Its name.
    pub id: &'static str,
    /// Its address, with the base path of all operations.
    pub url: &'static str,
    /// Its name for people; may be empty.
    pub title: &'static str,
}

impl Server {
    /// A server without a title.
    pub const fn new(id: &'static str, url: &'static str) -> Server {
        Server { id, url, title: "" }
    }
}

/// A way to authenticate.
#[derive(Clone, Copy)]
pub struct Scheme {
    /// Its name.
    pub id: &'static str,
    /// `bearer`, `basic`, `api_key`, `oauth2` or `none`.
    pub kind: &'static str,
    /// Its name for people; may be empty.
    pub title: &'static str,
    /// What it is; may be empty.
    pub description: &'static str,
    /// What a person configures.
    pub fields: &'static [Field],
    /// Where the values go.
    pub inject: &'static [Injection],
    /// The templates of user name and password, of kind `basic`.
    pub basic: Option<(&'static str, &'static str)>,
    /// The member `oauth2` as JSON text; may be empty.
    pub oauth2: &'static str,
    /// Where the credential may be sent: origins of servers.
    pub origins: &'static [&'static str],
}

impl Scheme {
    /// A scheme without fields, for those that are left out.
    pub const fn new(id: &'static str, kind: &'static str) -> Scheme {
        Scheme { id, kind, title: "", description: "", fields: &[], inject: &[], basic: None, oauth2: "", origins: &[] }
    }
}

/// What a person configures of a [`Scheme`].
#[derive(Clone, Copy)]
pub struct Field {
    /// Its name, which templates have in braces.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is, or where to find it; may be empty.
    pub description: &'static str,
    /// It is shown to nobody.
    pub secret: bool,
    /// The scheme does not work without it.
    pub required: bool,
    /// A regular expression that the whole value matches; may be empty.
    pub pattern: &'static str,
    /// A format of JSON Schema; may be empty.
    pub format: &'static str,
}

impl Field {
    /// A required field that is secret.
    pub const fn secret(name: &'static str, title: &'static str) -> Field {
        Field { secret: true, ..Field::plain(name, title) }
    }

    /// A required field that is not secret, such as a user's name.
    pub const fn plain(name: &'static str, title: &'static str) -> Field {
        Field { name, title, description: "", secret: false, required: true, pattern: "", format: "" }
    }
}

/// Where a value of a [`Scheme`] goes.
#[derive(Clone, Copy)]
pub struct Injection {
    /// `header`, `query` or `cookie`.
    pub place: &'static str,
    /// The name of the header, parameter or cookie.
    pub name: &'static str,
    /// A template with fields in braces: `Bearer {token}`.
    pub value: &'static str,
}

impl Injection {
    /// A header.
    pub const fn header(name: &'static str, value: &'static str) -> Injection {
        Injection { place: "header", name, value }
    }

    /// A parameter of the query.
    pub const fn query(name: &'static str, value: &'static str) -> Injection {
        Injection { place: "query", name, value }
    }
}

/// What an operation does to the vendor's data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing.
    Read,
    /// It changes something.
    Write,
    /// It takes something away.
    Delete,
}

impl Effect {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Effect::Read => "read",
            Effect::Write => "write",
            Effect::Delete => "delete",
        }
    }
}

/// A request that an operation may send besides its own.
#[derive(Clone, Copy)]
pub struct Template {
    /// The id of a server; empty means the connection's.
    pub server: &'static str,
    /// The method of HTTP.
    pub method: &'static str,
    /// The template of the path: `/issues/{id}`.
    pub path: &'static str,
}

/// Runs an operation whose row cannot say all of it.
pub type Handle = fn(&mut Call) -> Result<(), Error>;

/// A row of the table. The manifest and the execution follow from it.
#[derive(Clone, Copy)]
pub struct Operation {
    /// What the operation is about: `issues`.
    pub entity: &'static str,
    /// What it does: `list`.
    pub action: &'static str,
    /// Its name for people; may be empty.
    pub title: &'static str,
    /// Tells people and language models what it does and how to use it.
    pub description: &'static str,
    /// What it does to the vendor's data.
    pub effect: Effect,
    /// The vendor's name of the permission that the credential needs; may be empty.
    pub permission: &'static str,
    /// Doing it twice is the same as doing it once.
    pub idempotent: bool,
    /// The method of its request; empty if only `handle` sends some.
    pub method: &'static str,
    /// The template of the path, with the vendor's names of parameters: `/issues/{id}`.
    pub path: &'static str,
    /// The id of a server, if it is not the connection's.
    pub server: &'static str,
    /// The parameters, in the order in which they are sent.
    pub params: &'static [Param],
    /// The media type that the request accepts, if it is not the connector's.
    pub accept: &'static str,
    /// The records are an array. A paginated operation is a list.
    pub list: bool,
    /// A JSON Pointer to the records in the answer; empty means all of it.
    pub data: &'static str,
    /// The vendor leaves the records out where there are none.
    pub data_optional: bool,
    /// The parts of the answer that become the result's meta.
    pub meta: &'static [Meta],
    /// How the vendor paginates.
    pub page: Option<Page>,
    /// Requests that `handle` sends besides `method` and `path`.
    pub requests: &'static [Template],
    /// Runs the operation in place of [`Call::run`], for what a table cannot say.
    pub handle: Option<Handle>,
    /// Values of the parameters, each a JSON object.
    pub examples: &'static [&'static str],
    /// Further members of the manifest as JSON text: `"rate_limit":{...}`.
    pub more: &'static str,
}

impl Operation {
    /// An operation that changes nothing.
    pub const fn read(entity: &'static str, action: &'static str, description: &'static str) -> Operation {
        Operation::new(entity, action, description, Effect::Read)
    }

    /// An operation that changes something.
    pub const fn write(entity: &'static str, action: &'static str, description: &'static str) -> Operation {
        Operation::new(entity, action, description, Effect::Write)
    }

    /// An operation that takes something away.
    pub const fn delete(entity: &'static str, action: &'static str, description: &'static str) -> Operation {
        Operation::new(entity, action, description, Effect::Delete)
    }

    const fn new(entity: &'static str, action: &'static str, description: &'static str, effect: Effect) -> Operation {
        Operation {
            entity,
            action,
            title: "",
            description,
            effect,
            permission: "",
            idempotent: false,
            method: "",
            path: "",
            server: "",
            params: &[],
            accept: "",
            list: false,
            data: "",
            data_optional: false,
            meta: &[],
            page: None,
            requests: &[],
            handle: None,
            examples: &[],
            more: "",
        }
    }

    pub(crate) fn lists(&self) -> bool {
        self.list || self.page.is_some()
    }
}

/// A member of the result's meta.
#[derive(Clone, Copy)]
pub struct Meta {
    /// The key in meta.
    pub name: &'static str,
    /// A JSON Pointer to the value in the answer. If it is missing, so is the key.
    pub pointer: &'static str,
    /// The name of a header that has the value instead; empty means the pointer.
    pub header: &'static str,
}

impl Meta {
    /// A part of the answer.
    pub const fn part(name: &'static str, pointer: &'static str) -> Meta {
        Meta { name, pointer, header: "" }
    }

    /// A header of the answer.
    pub const fn header(name: &'static str, header: &'static str) -> Meta {
        Meta { name, pointer: "", header }
    }
}

/// Where a parameter goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: [`Operation::handle`] uses it.
    Input,
    /// Into a place in the path.
    Path,
    /// Into the query. An object is `name[member]=value`.
    Query,
    /// Into a header.
    Header,
    /// Into the JSON body, as the caller wrote it.
    Body,
}

/// How an array is written in the query.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `a=1&a=2`
    Form,
    /// `a=1,2`
    Comma,
    /// `a[]=1&a[]=2`
    Brackets,
    /// `a[0]=1&a[1]=2`
    Indices,
}

/// A parameter of an operation.
#[derive(Clone, Copy)]
pub struct Param {
    pub(crate) name: &'static str,
    pub(crate) wire: &'static str,
    pub(crate) place: Place,
    pub(crate) required: bool,
    pub(crate) schema: Schema,
    pub(crate) otherwise: Otherwise,
    pub(crate) constant: bool,
    pub(crate) style: Style,
}

/// What is sent for a parameter that the caller did not give.
#[derive(Clone, Copy)]
pub(crate) enum Otherwise {
    Nothing,
    Json(&'static str),
    Number(i64),
}

impl Param {
    pub(crate) const fn new(name: &'static str, place: Place, schema: Schema) -> Param {
        Param { name, wire: name, place, required: false, schema, otherwise: Otherwise::Nothing, constant: false, style: Style::Form }
    }

    /// A parameter that fills a place in the path. It is required.
    pub const fn path(name: &'static str, schema: Schema) -> Param {
        Param::new(name, Place::Path, schema).required()
    }

    /// A parameter of the query.
    pub const fn query(name: &'static str, schema: Schema) -> Param {
        Param::new(name, Place::Query, schema)
    }

    /// A header of the request.
    pub const fn header(name: &'static str, schema: Schema) -> Param {
        Param::new(name, Place::Header, schema)
    }

    /// A member of the JSON body.
    pub const fn body(name: &'static str, schema: Schema) -> Param {
        Param::new(name, Place::Body, schema)
    }

    /// A parameter that only [`Operation::handle`] uses.
    pub const fn input(name: &'static str, schema: Schema) -> Param {
        Param::new(name, Place::Input, schema)
    }

    /// The caller must give it.
    pub const fn required(mut self) -> Param {
        self.required = true;
        self
    }

    /// The vendor has another name for it.
    pub const fn named(mut self, wire: &'static str) -> Param {
        self.wire = wire;
        self
    }

    /// JSON text that is sent if the caller gives none.
    pub const fn send(mut self, json: &'static str) -> Param {
        self.otherwise = Otherwise::Json(json);
        self
    }

    /// JSON text that is always sent. Callers do not see the parameter.
    pub const fn constant(mut self, json: &'static str) -> Param {
        self.otherwise = Otherwise::Json(json);
        self.constant = true;
        self
    }

    /// How an array is written in the query.
    pub const fn style(mut self, style: Style) -> Param {
        self.style = style;
        self
    }
}

/// The JSON Schema of a parameter or of a part of one. The host validates every call against it before the connector
/// runs.
#[derive(Clone, Copy)]
pub struct Schema {
    pub(crate) kind: &'static str,
    pub(crate) description: &'static str,
    pub(crate) format: &'static str,
    pub(crate) pattern: &'static str,
    pub(crate) one_of: &'static [&'static str],
    pub(crate) assumed: Otherwise,
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) items: Option<&'static Schema>,
    pub(crate) properties: Option<&'static [Property]>,
    pub(crate) json: &'static str,
}

impl Schema {
    const fn of(kind: &'static str, description: &'static str) -> Schema {
        Schema {
            kind,
            description,
            format: "",
            pattern: "",
            one_of: &[],
            assumed: Otherwise::Nothing,
            min: None,
            max: None,
            items: None,
            properties: None,
            json: "",
        }
    }

    /// A string.
    pub const fn string(description: &'static str) -> Schema {
        Schema::of("string", description)
    }

    /// A whole number.
    pub const fn integer(description: &'static str) -> Schema {
        Schema::of("integer", description)
    }

    /// A number.
    pub const fn number(description: &'static str) -> Schema {
        Schema::of("number", description)
    }

    /// True or false.
    pub const fn boolean(description: &'static str) -> Schema {
        Schema::of("boolean", description)
    }

    /// A time of RFC 3339.
    pub const fn time(description: &'static str) -> Schema {
        Schema::string(description).format("date-time")
    }

    /// An array with elements like `items`.
    pub const fn array(description: &'static str, items: &'static Schema) -> Schema {
        let mut schema = Schema::of("array", description);
        schema.items = Some(items);
        schema
    }

    /// An object that has these properties and no others.
    pub const fn object(description: &'static str, properties: &'static [Property]) -> Schema {
        let mut schema = Schema::of("object", description);
        schema.properties = Some(properties);
        schema
    }

    /// An object with members that the vendor does not specify.
    pub const fn map(description: &'static str) -> Schema {
        Schema::of("object", description)
    }

    /// A schema as JSON text, for what the other functions cannot say.
    pub const fn json(json: &'static str) -> Schema {
        let mut schema = Schema::of("", "");
        schema.json = json;
        schema
    }

    /// The only values of a string.
    pub const fn one_of(mut self, values: &'static [&'static str]) -> Schema {
        self.one_of = values;
        self
    }

    /// A format of JSON Schema, such as email.
    pub const fn format(mut self, format: &'static str) -> Schema {
        self.format = format;
        self
    }

    /// A regular expression of RE2 that matches somewhere; anchor it with `^` and `$`.
    pub const fn pattern(mut self, pattern: &'static str) -> Schema {
        self.pattern = pattern;
        self
    }

    /// What the vendor assumes if it is absent, as JSON text. It is not sent.
    pub const fn assumed(mut self, json: &'static str) -> Schema {
        self.assumed = Otherwise::Json(json);
        self
    }

    pub(crate) const fn assumed_number(mut self, n: i64) -> Schema {
        self.assumed = Otherwise::Number(n);
        self
    }

    /// A lower bound of a number, of the characters of a string, or of the elements of an array.
    pub const fn min(mut self, n: i64) -> Schema {
        self.min = Some(n);
        self
    }

    /// An upper bound, like [`Schema::min`].
    pub const fn max(mut self, n: i64) -> Schema {
        self.max = Some(n);
        self
    }

    pub(crate) const fn described(mut self, description: &'static str) -> Schema {
        self.description = description;
        self
    }
}

/// A member of an object.
#[derive(Clone, Copy)]
pub struct Property {
    pub(crate) name: &'static str,
    pub(crate) schema: Schema,
    pub(crate) required: bool,
}

impl Property {
    /// A member that may be absent.
    pub const fn new(name: &'static str, schema: Schema) -> Property {
        Property { name, schema, required: false }
    }

    /// It must be there.
    pub const fn required(mut self) -> Property {
        self.required = true;
        self
    }
}
