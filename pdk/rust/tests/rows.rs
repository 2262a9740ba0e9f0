//! What the suite of one vendor does not reach: pages that count, objects in the query, headers, and
//! operations with a function of their own.

use agenthost_pdk::testing::{execute, Answer, Outcome};
use agenthost_pdk::*;

static CONNECTOR: Connector = Connector {
    accept: "application/x+json",
    operations: &[
        Operation {
            method: "POST",
            path: "/a",
            data: "/items",
            page: Some(Page {
                place: Place::Body,
                cursor_name: "offset",
                total: "/total",
                default_limit: 2,
                send_first: true,
                ..Page::by(By::Offset)
            }),
            ..Operation::read("a", "list", "Counts records.")
        },
        Operation {
            method: "GET",
            path: "/b",
            params: &[
                Param::query("filter", Schema::map("A filter.")).style(Style::Indices),
                Param::header("trace", Schema::string("A name.")).named("X-Trace"),
            ],
            page: Some(Page::by_cursor("")),
            handle: Some(with_owner),
            ..Operation::read("b", "list", "Has a function of its own.")
        },
        Operation { handle: Some(fails), ..Operation::read("c", "get", "Fails.") },
    ],
    ..Connector::new("unit", "Unit", "1.0.0")
};

fn with_owner(call: &mut Call) -> Result<(), Error> {
    let mut request = call.request();
    request.query.push(("include".into(), "owner".into()));
    let response = call.perform(&request)?;
    call.respond_page(&response, Some("mine"))
}

fn fails(call: &mut Call) -> Result<(), Error> {
    call.data_json("[1]");
    Err(Error::invalid_param("id", "it is odd", "give an even one"))
}

fn run(input: &str, answer: &str) -> Outcome {
    let outcome = execute(&CONNECTOR, input, &[Answer::json(200, answer)]);
    assert_eq!(outcome.result, 0);
    outcome
}

#[test]
fn pages_that_count() {
    let first = run(r#"{"entity":"a","action":"list","params":{}}"#, r#"{"items":[1,2],"total":3}"#);
    assert_eq!(
        first.requests[0].json,
        r#"{"method":"POST","path":"/a","headers":[["Accept","application/x+json"],["Content-Type","application/json"]]}"#
    );
    assert_eq!(first.requests[0].body, r#"{"offset":0,"limit":2}"#);
    assert_eq!(first.output, r#"{"data":[1,2],"meta":{"next_cursor":"2","has_more":true}}"#);
    let last = run(r#"{"entity":"a","action":"list","params":{"cursor":"2"}}"#, r#"{"items":[3],"total":3}"#);
    assert_eq!(last.requests[0].body, r#"{"offset":2,"limit":2}"#);
    assert_eq!(last.output, r#"{"data":[3],"meta":{"next_cursor":null,"has_more":false}}"#);
}

#[test]
fn a_function_of_its_own() {
    let outcome = run(r#"{"entity":"b","action":"list","params":{"filter":{"x":[1,"y"]},"trace":"t"}}"#, "[]");
    let want = concat!(
        r#"{"method":"GET","path":"/b","query":[["filter[x][0]","1"],["filter[x][1]","y"],["include","owner"]],"#,
        r#""headers":[["Accept","application/x+json"],["X-Trace","t"]]}"#
    );
    assert_eq!(outcome.requests[0].json, want);
    assert_eq!(outcome.output, r#"{"data":[],"meta":{"next_cursor":"mine","has_more":true}}"#);
}

#[test]
fn an_error_drops_the_result() {
    let outcome = run(r#"{"entity":"c","action":"get","params":{}}"#, "{}");
    let want = r#"{"error":{"kind":"invalid_params","message":"it is odd","hint":"give an even one","field":"id","retryable":false,"request_sent":false}}"#;
    assert_eq!(outcome.output, want);
    assert!(outcome.requests.is_empty());
}
