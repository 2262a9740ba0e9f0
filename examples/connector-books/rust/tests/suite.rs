//! Holds the connector against ../suite.json, natively.

use agenthost_pdk::testing::{execute, part, Answer};
use agenthost_pdk::Json;

const SUITE: &str = include_str!("../../suite.json");

fn text(json: Option<&str>) -> String {
    json.and_then(|j| Json(j.as_bytes()).text()).unwrap_or_default()
}

fn answer(json: &str) -> Answer {
    if let Some(error) = part(json, "/error") {
        return Answer::Failure(error.to_string());
    }
    let headers = part(json, "/headers").unwrap_or("{}");
    Answer::Response {
        status: part(json, "/status").unwrap().parse().unwrap(),
        headers: Json(headers.as_bytes()).members().map(|(n, v)| (n.text().unwrap(), v.text().unwrap())).collect(),
        body: text(part(json, "/body")).into_bytes(),
    }
}

fn elements<'a>(of: &'a str, pointer: &str) -> Vec<&'a str> {
    let list = part(of, pointer).unwrap_or("[]");
    Json(list.as_bytes()).elements().map(|e| std::str::from_utf8(e.0).unwrap()).collect()
}

#[test]
fn declarations() {
    let of = |bytes| String::from_utf8(bytes).unwrap();
    assert_eq!(of(connector::CONNECTOR.manifest()), text(part(SUITE, "/describe")));
    assert_eq!(of(connector::CONNECTOR.auth_schema()), text(part(SUITE, "/auth_schema")));
}

#[test]
fn calls() {
    let cases = elements(SUITE, "/cases");
    assert!(!cases.is_empty());
    for case in cases {
        let name = text(part(case, "/name"));
        let answers: Vec<_> = elements(case, "/answers").into_iter().map(answer).collect();
        let outcome = execute(&connector::CONNECTOR, &text(part(case, "/input")), &answers);
        assert_eq!(outcome.result, 0, "{name}");
        let wanted = elements(case, "/requests");
        assert_eq!(outcome.requests.len(), wanted.len(), "{name}: requests");
        for (got, want) in outcome.requests.iter().zip(wanted) {
            assert_eq!(got.json, text(part(want, "/request")), "{name}");
            assert_eq!(got.body, text(part(want, "/body")), "{name}");
        }
        if let Some(error) = part(case, "/error") {
            for (member, want) in Json(error.as_bytes()).members() {
                let member = member.text().unwrap();
                let got = part(&outcome.output, &format!("/error/{member}")).unwrap_or_else(|| panic!("{name}: {}", outcome.output));
                assert_eq!(got.as_bytes(), want.0, "{name}: {member}");
            }
            continue;
        }
        for member in ["data", "meta"] {
            let pointer = format!("/{member}");
            let want = text(part(case, &pointer));
            assert_eq!(part(&outcome.output, &pointer), Some(want.as_str()), "{name}: {member}");
        }
    }
}
