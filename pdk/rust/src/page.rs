use crate::call::Call;
use crate::json::{integer, Json, JsonKind, Writer};
use crate::request::Response;
use crate::table::{Operation, Otherwise, Param, Place, Schema};

/// What leads to the next page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A cursor that the vendor gives: a text, or a number above 0.
    Cursor,
    /// The number of records before the page, which the parameter has.
    Offset,
    /// The number of the page, which the parameter has.
    Page,
}

/// How a vendor paginates. The operation gets the parameters cursor and limit, and its meta next_cursor
/// and has_more. The vendor's names are parameters too; a call that gives both names different values is
/// refused.
#[derive(Clone, Copy)]
pub struct Page {
    /// Where both parameters go: [`Place::Query`] or [`Place::Body`].
    pub place: Place,
    /// What leads to the next page.
    pub by: By,
    /// The vendor's name of the cursor.
    pub cursor_name: &'static str,
    /// The vendor's name of the limit.
    pub limit_name: &'static str,
    /// The vendor has no parameter for the length of a page. The host then cuts longer pages.
    pub no_limit: bool,
    /// The vendor's largest number of records on a page; 0 means unknown.
    pub max_limit: i64,
    /// Is sent if the caller gives no limit; 0 sends none.
    pub default_limit: i64,
    /// A JSON Pointer to the next cursor.
    pub cursor: &'static str,
    /// The name of the header with the next cursor, if it is not in the body.
    pub header: &'static str,
    /// A JSON Pointer to a boolean that says whether there are more pages; may be empty.
    pub more: &'static str,
    /// The offset or the number of the first page.
    pub first: i64,
    /// The first page is asked for with `first`.
    pub send_first: bool,
    /// A JSON Pointer to the number of all records. Without it, without `pages` and without `more`, a page that counts is the
    /// last one if it has fewer records than the limit that was sent.
    pub total: &'static str,
    /// A JSON Pointer to the number of all pages.
    pub pages: &'static str,
}

impl Page {
    /// A vendor that gives a cursor in the body and takes it in the query.
    pub const fn by_cursor(cursor: &'static str) -> Page {
        Page { cursor, ..Page::by(By::Cursor) }
    }

    /// A vendor that takes numbers in the query.
    pub const fn by(by: By) -> Page {
        Page {
            place: Place::Query,
            by,
            cursor_name: "cursor",
            limit_name: "limit",
            no_limit: false,
            max_limit: 0,
            default_limit: 0,
            cursor: "",
            header: "",
            more: "",
            first: 0,
            send_first: false,
            total: "",
            pages: "",
        }
    }

    pub(crate) fn counts(&self) -> bool {
        self.by != By::Cursor
    }

    /// The vendor's names of the uniform parameters.
    pub(crate) fn aliases(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        [(self.cursor_name, "cursor"), (self.limit_name, "limit")].into_iter().filter(|(vendor, uniform)| vendor != uniform)
    }

    fn params(&self, all: &mut Vec<Param>) {
        let mut schema =
            Schema::string("Where to go on: next_cursor of the page before. Leave it out for the first page.").min(1).max(8192);
        let mut alias = schema;
        if self.counts() {
            schema = schema.max(18).pattern("^[0-9]+$");
            alias = Schema::integer("").min(0);
        }
        let mut cursor = Param::new("cursor", self.place, schema).named(self.cursor_name);
        if self.counts() && self.send_first {
            cursor.otherwise = Otherwise::Number(self.first);
        }
        let mut schema = Schema::integer("How many records to return at most.").min(1);
        if self.max_limit > 0 {
            schema = schema.max(self.max_limit);
        }
        if self.default_limit > 0 {
            schema = schema.assumed_number(self.default_limit);
        }
        let place = if self.no_limit { Place::Input } else { self.place };
        let mut limit = Param::new("limit", place, schema).named(self.limit_name);
        limit.otherwise = schema.assumed;
        all.extend([cursor, limit]);
        for (vendor, uniform) in self.aliases() {
            let (schema, description) = match uniform {
                "limit" => (schema, "The vendor's name for limit; give one of the two."),
                _ => (alias, "The vendor's name for cursor; give one of the two."),
            };
            all.push(Param::input(vendor, schema.described(description)));
        }
    }
}

impl Operation {
    /// The parameters with those of the pagination.
    pub(crate) fn all_params(&self) -> Vec<Param> {
        let mut all = self.params.to_vec();
        if let Some(page) = &self.page {
            page.params(&mut all);
        }
        all
    }
}

/// What an answer says of the page after it.
pub(crate) struct Next {
    /// The cursor as JSON.
    pub cursor: Option<Vec<u8>>,
    /// There are more pages, but the vendor does not say how to get them.
    pub lost: bool,
}

impl Next {
    pub const LAST: Next = Next { cursor: None, lost: false };

    pub fn text(cursor: &str) -> Next {
        let mut w = Writer::default();
        w.string(cursor);
        Next { cursor: Some(w.0), lost: false }
    }

    pub fn lost(lost: bool) -> Next {
        Next { cursor: None, lost }
    }

    pub fn has_more(&self) -> &'static str {
        if self.cursor.is_some() || self.lost {
            return "true";
        }
        "false"
    }

    pub fn or_null(&self) -> Json<'_> {
        Json(self.cursor.as_deref().unwrap_or(b"null"))
    }
}

impl Page {
    /// Whether the answer says that there are more pages, if it says so at all.
    pub(crate) fn says_more(&self, response: &Response) -> Option<bool> {
        let more = if self.more.is_empty() { None } else { response.body.part(self.more) }?;
        if more.is("null") {
            return None;
        }
        Some(more.is("true"))
    }

    pub(crate) fn next(&self, call: &Call, response: &Response) -> Next {
        let more = self.says_more(response);
        let lost = more == Some(true);
        if self.counts() {
            return self.counted(call, response, more);
        }
        if !self.header.is_empty() {
            let header = response.header(self.header);
            let cursor = header.trim_matches([' ', '\t']);
            return if cursor.is_empty() { Next::lost(lost) } else { Next::text(cursor) };
        }
        if self.more_is_false(response) {
            return Next::LAST;
        }
        if self.cursor.is_empty() {
            return Next::lost(lost); // the connector has cursors of its own
        }
        let cursor = response.body.part(self.cursor).and_then(|c| c.read(1 << 20)).unwrap_or_default();
        match Json(&cursor).kind() {
            JsonKind::String if cursor.len() > 2 => Next { cursor: Some(cursor), lost: false },
            JsonKind::Number if Json(&cursor).integer().is_some_and(|n| n > 0) => Next::text(&Json(&cursor).scalar()),
            JsonKind::Array | JsonKind::Object => Next::lost(true),
            _ => Next::lost(lost),
        }
    }

    fn more_is_false(&self, response: &Response) -> bool {
        !self.more.is_empty() && response.body.part(self.more).is_some_and(|m| m.is("false"))
    }

    /// The next cursor where it is an offset or the number of a page.
    fn counted(&self, call: &Call, response: &Response, more: Option<bool>) -> Next {
        let at = call.sent("cursor").and_then(|c| integer(c.scalar().as_bytes())).unwrap_or(self.first);
        let limit = if self.no_limit { 0 } else { call.sent("limit").and_then(Json::integer).unwrap_or(0) };
        let n = match response.body.part(call.operation.data) {
            Some(records) if records.kind() == JsonKind::Array => records.count() as i64,
            _ => 0,
        };
        let (next, before) = match self.by {
            By::Offset => (at + n, at - self.first + n),
            _ if limit == 0 => (at + 1, (at - self.first + 1) * n), // the pages before had at least as many records
            _ => (at + 1, (at - self.first) * limit + n),
        };
        let number = |pointer: &str| if pointer.is_empty() { None } else { response.body.part(pointer)?.integer() };
        let mut goes_on = n > 0 && n >= limit;
        if let Some(total) = number(self.total) {
            goes_on = n > 0 && before < total;
        }
        if let Some(pages) = number(self.pages).filter(|_| self.by == By::Page) {
            goes_on = n > 0 && next - self.first < pages;
        }
        goes_on = more.unwrap_or(goes_on);
        match goes_on {
            false => Next::LAST,
            true if next <= at => Next::lost(true),
            true => Next::text(&next.to_string()),
        }
    }
}
