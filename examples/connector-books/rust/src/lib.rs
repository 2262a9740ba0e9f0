//! The connector of a small vendor, a library of books, in Rust:
//!
//! ```sh
//! agenthost plugin build
//! ```

use agenthost_pdk::*;

const ORIGIN: &str = "https://api.bookshelf.example";

/// What the connector is.
pub static CONNECTOR: Connector = Connector {
    description: "Books of a library that exists only in this example.",
    servers: &[Server::new("main", "https://api.bookshelf.example/v1")],
    auth: &[Scheme {
        fields: &[Field::secret("api_token", "API token")],
        inject: &[Injection::header("Authorization", "Bearer {api_token}")],
        origins: &[ORIGIN],
        ..Scheme::new("token", "bearer")
    }],
    check: Some(("books", "list")),
    failures: Some(Failures {
        conditions: &[Condition::present("/error")],
        message: &["/error/message", "/errors/*/message"],
        code: &["/error/code"],
        request_id: &["/request_id"],
        codes: &[("checked_out", 409)],
        ..Failures::NONE
    }),
    operations: &[LIST, GET, CREATE],
    ..Connector::new("bookshelf", "Bookshelf", "1.0.0")
};

const LIST: Operation = Operation {
    title: "List books",
    method: "GET",
    path: "/books",
    params: &[
        Param::query("genre", Schema::string("Only books of this genre.").one_of(&["novel", "poetry", "science"])),
        Param::query("tags", Schema::array("Only books with all of these tags.", &TAG).max(10)).named("tag"),
    ],
    data: "/books",
    meta: &[Meta::part("total", "/total")],
    page: Some(Page { cursor_name: "after", limit_name: "size", max_limit: 100, ..Page::by_cursor("/next") }),
    examples: &[r#"{"genre":"novel","limit":2}"#],
    ..Operation::read("books", "list", "Books, newest first.")
};

const TAG: Schema = Schema::string("").max(50);

const GET: Operation = Operation {
    title: "Get a book",
    method: "GET",
    path: "/books/{id}",
    params: &[Param::path("id", Schema::string("Id of the book.").min(1).max(100))],
    data: "/book",
    examples: &[r#"{"id":"b1"}"#],
    ..Operation::read("books", "get", "One book by its id.")
};

const CREATE: Operation = Operation {
    title: "Add a book",
    permission: "books:write",
    method: "POST",
    path: "/books",
    params: &[
        Param::body("title", Schema::string("Title of the book.").min(1).max(500)).required(),
        Param::body("author", Schema::string("Who wrote it.").max(200)).named("author_name"),
        Param::body("pages", Schema::integer("How many pages it has.").min(1).max(100000)),
        Param::body("source", Schema::string("")).constant(r#""agenthost""#),
    ],
    data: "/book",
    examples: &[r#"{"title":"Middlemarch","author":"George Eliot","pages":880}"#],
    ..Operation::write("books", "create", "Adds a book to the library.")
};

agenthost_pdk::export!(CONNECTOR);
