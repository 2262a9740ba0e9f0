// The connector of a small vendor, a library of books, in AssemblyScript. It is written to the ABI without
// a kit; declaration.ts has what the kits of other languages make of a table.
//
//     npm ci --ignore-scripts && agenthost plugin build

import { begin, count, fault, header, json, kind, length, part, quote, scalar, send, status, text, write, writeFault, writePart } from "./host";
import { ARRAY, INVALID, NULL, NUMBER, OBJECT, STRING } from "./host";
import { Failure, failure, notJSON, refusal, unexpected } from "./errors";
import { AUTH, MANIFEST } from "./declaration";

const INPUT = 1;

export function describe(): i32 {
  return write(MANIFEST) ? 0 : 1;
}

export function auth_schema(): i32 {
  return write(AUTH) ? 0 : 1;
}

// What a call answers: a value of the host between two texts, and then meta.
let before = "", data = 0, after = "";
let metaBefore = "", metaPart = 0, metaAfter = "";

export function execute(): i32 {
  begin();
  const entity = text(part(INPUT, "/entity")), action = text(part(INPUT, "/action"));
  before = after = metaBefore = metaAfter = "";
  data = metaPart = 0;
  let failed: Failure | null = null;
  if (entity == "books" && action == "list") failed = list();
  else if (entity == "books" && action == "get") failed = get();
  else if (entity == "books" && action == "create") failed = create();
  else failed = refusal("unknown_operation", "connector bookshelf has no operation " + entity + "." + action, "", "");
  if (fault) return writeFault() ? 0 : 1;
  if (failed) return write(failed.output()) ? 0 : 1;
  return answer() ? 0 : 1;
}

function answer(): bool {
  if (!write('{"data":' + before)) return false;
  if (data > 0 && !writePart(data)) return false;
  if (!write(after + ',"meta":{' + metaBefore)) return false;
  if (metaPart > 0 && !writePart(metaPart)) return false;
  return write(metaAfter + "}}");
}

// param is a parameter, 0 if the caller gave none.
function param(name: string): i32 {
  return part(INPUT, "/params/" + name);
}

// differ says that the caller gave a parameter under both of its names, with two values.
function differ(vendor: string, uniform: string): Failure | null {
  const a = param(vendor), b = param(uniform);
  if (a == 0 || b == 0 || scalar(a) == scalar(b)) return null;
  return refusal("invalid_params", vendor + " and " + uniform + " are two names of one parameter, and they differ", vendor, "give one of them");
}

function list(): Failure | null {
  const differs = differ("after", "cursor") || differ("size", "limit");
  if (differs) return differs;
  const cursor = param("after") || param("cursor"), limit = param("size") || param("limit"), tags = param("tags");
  let query = "";
  if (param("genre")) query += ',["genre",' + quote(scalar(param("genre"))) + "]";
  for (let i = 0; i < count(tags); i++) query += ',["tag",' + quote(scalar(part(tags, "/" + i.toString()))) + "]";
  if (cursor) query += ',["after",' + quote(scalar(cursor)) + "]";
  if (limit) query += ',["size",' + quote(scalar(limit)) + "]";
  let request = '{"method":"GET","path":"/books"';
  if (query != "") request += ',"query":[' + query.substring(1) + "]";
  const response = send(request + "}", "");
  if (response == 0) return null;
  const failed = failure(response, "");
  if (failed) return failed;

  const next = nextCursor(response), total = part(response, "/total");
  const wrong = records(response, part(response, "/books"), "/books", ARRAY, true);
  if (wrong) return wrong;
  if (total) {
    metaBefore = '"total":';
    metaPart = total;
    metaAfter = ",";
  }
  metaAfter += '"next_cursor":' + (next != "" ? next : "null") + ',"has_more":' + (next != "" || lost).toString();
  return null;
}

// The vendor has a next page, but in a form that is no cursor.
let lost = false;

// nextCursor is the cursor of the next page as JSON, "" on the last one.
function nextCursor(response: i32): string {
  const next = part(response, "/next"), k = kind(next), value = json(next);
  lost = k == ARRAY || k == OBJECT;
  if (k == STRING && value != '""') return value;
  if (k != NUMBER || value.startsWith("-") || value == "0") return "";
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) < 0x30 || value.charCodeAt(i) > 0x39) return "";
  return quote(value);
}

function get(): Failure | null {
  const response = send('{"method":"GET","path":"/books/{id}","path_params":{"id":' + quote(text(param("id"))) + "}}", "");
  if (response == 0) return null;
  return failure(response, "") || records(response, part(response, "/book"), "/book", OBJECT, true);
}

function create(): Failure | null {
  let body = '{"title":' + json(param("title"));
  if (param("author")) body += ',"author_name":' + json(param("author"));
  if (param("pages")) body += ',"pages":' + json(param("pages"));
  const response = send('{"method":"POST","path":"/books","headers":[["Content-Type","application/json"]]}', body + ',"source":"agenthost"}');
  if (response == 0) return null;
  return failure(response, "books:write") || records(response, part(response, "/book"), "/book", OBJECT, false);
}

// records makes the data of an answer: the value that is there, or what is best if it is of another kind.
function records(response: i32, value: i32, pointer: string, wanted: i32, reads: bool): Failure | null {
  let found = kind(value);
  if (found == wanted) {
    data = value;
    return null;
  }
  const body = kind(response), holds = body == OBJECT || body == ARRAY;
  if (!holds) found = INVALID;
  if (value == 0 && body != INVALID && reads) return unexpected(response, "without " + pointer + ", where its records should be");
  if (wanted == ARRAY) {
    if (holds && found <= NULL) before = "[]";
    else if (body != INVALID) return unexpected(response, "with something other than a list of records");
    else return unexpected(response, "with " + notJSON(response));
    return null;
  }
  // A proxy's page, or a truncated answer. A write may have happened, so there the status decides.
  if (reads && body == INVALID && (length(response) > 0 || (status(response) == 200 && header(response, "Content-Type") != "")))
    return unexpected(response, "with " + notJSON(response));
  if (found <= NULL) {
    before = "{}";
    return null;
  }
  before = '{"value":'; // the vendor succeeded; an odd answer must not turn that into an error
  data = value;
  after = "}";
  return null;
}
