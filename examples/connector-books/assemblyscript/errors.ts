// What a caller gets when a call fails.

import { header, json, kind, length, part, quote, scalar, status, count, NUMBER, STRING, OBJECT, ARRAY } from "./host";

const VENDOR = "Bookshelf";

export class Failure {
  kind: string = "vendor_error";
  message: string = "";
  hint: string = "";
  field: string = "";
  retryable: bool = false;
  retryAfter: i64 = 0; // in milliseconds
  status: i32 = 0;
  code: string = "";
  requestID: string = "";

  // output is the error as the output of execute.
  output(): string {
    let out = '{"error":{"kind":' + quote(this.kind) + ',"message":' + quote(this.message);
    if (this.hint != "") out += ',"hint":' + quote(this.hint);
    if (this.field != "") out += ',"field":' + quote(this.field);
    out += ',"retryable":' + this.retryable.toString();
    if (this.retryAfter > 0) out += ',"retry_after_ms":' + this.retryAfter.toString();
    if (this.status > 0) out += ',"status":' + this.status.toString();
    if (this.code != "") out += ',"code":' + quote(this.code);
    if (this.requestID != "") out += ',"request_id":' + quote(this.requestID);
    return out + "}}";
  }
}

export function refusal(kind: string, message: string, field: string, hint: string): Failure {
  const e = new Failure();
  e.kind = kind;
  e.message = message;
  e.field = field;
  e.hint = hint;
  return e;
}

// ofStatus is the error of a failed answer as if it had a status, by the kinds of docs/abi.md.
function ofStatus(response: i32, as: i32, permission: string): Failure {
  const e = new Failure();
  e.status = status(response);
  e.message = VENDOR + " answered with status " + e.status.toString();
  switch (as) {
    case 400: case 413: case 414: case 422:
      e.kind = "invalid_params";
      e.hint = "change the parameters as the message says; the vendor did not do anything";
      break;
    case 401:
      e.kind = "auth_failed";
      e.hint = "check the credential of this connection";
      break;
    case 403:
      e.kind = "permission_denied";
      e.hint = permission != "" ? "use a credential that has the permission " + permission + ", or leave it" : "use a credential with the permission for this";
      break;
    case 404: case 410:
      e.kind = "not_found";
      e.hint = "check the ids; a list or search operation shows the valid ones";
      break;
    case 409:
      e.kind = "conflict";
      e.hint = "read the current state before trying again";
      break;
    case 429:
      e.kind = "rate_limited";
      e.hint = "wait before trying again";
      e.retryable = true;
      break;
    case 408: case 425: case 500: case 502: case 503: case 504:
      e.hint = "try again later";
      e.retryable = true;
  }
  if (e.retryable) e.retryAfter = retryAfter(response);
  return e;
}

// unexpected is the error of an answer that is not what it should be.
export function unexpected(response: i32, what: string): Failure {
  const e = ofStatus(response, status(response), "");
  e.kind = "vendor_error";
  e.message = VENDOR + " answered " + what;
  e.hint = "";
  return e;
}

// notJSON says what an answer has instead of JSON.
export function notJSON(response: i32): string {
  const type = header(response, "Content-Type"), what = length(response) == 0 ? "an empty body" : "something other than JSON";
  return what + (type != "" ? ", of the content type " + shorten(type, 100) : ", and no content type");
}

// failure is the error of an answer that reports one, null if it does not.
export function failure(response: i32, permission: string): Failure | null {
  const code = status(response), good = code >= 200 && code < 300;
  if (good) {
    const reported = part(response, "/error"), value = json(reported, 1 << 10);
    if (reported == 0 || value == "null" || value == "false") return null;
  }
  const body = kind(response) == OBJECT && length(response) <= 64 << 10 ? response : 0;
  const vendors = shorten(plain(part(body, "/error/code")), 255);
  const e = ofStatus(response, vendors == "checked_out" ? 409 : code, permission);
  e.code = vendors;
  e.requestID = shorten(plain(part(body, "/request_id")), 255);
  let message = plain(part(body, "/error/message"));
  const errors = part(body, "/errors");
  for (let i = 0; message == "" && kind(errors) == ARRAY && i < count(errors); i++) {
    for (; i < count(errors); i++) {
      const one = plain(part(errors, "/" + i.toString() + "/message"));
      if (one != "") message += (message != "" ? "; " : "") + one;
    }
  }
  if (message == "") message = vendors;
  if (message != "") e.message = VENDOR + ": " + shorten(message, 1000);
  else if (good) e.message = VENDOR + " answered with neither a result nor an error";
  return e;
}

// plain is a text, or a number as text, "" for anything else.
function plain(value: i32): string {
  const k = kind(value);
  return k == STRING || k == NUMBER ? scalar(value) : "";
}

// shorten cuts a text to so many bytes of UTF-8, between characters.
function shorten(text: string, most: i32): string {
  if (String.UTF8.byteLength(text) <= most) return text;
  let bytes = 0, i = 0;
  while (i < text.length) {
    const rune = text.codePointAt(i), n = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    if (bytes + n > most) break;
    bytes += n;
    i += n == 4 ? 2 : 1;
  }
  return text.substring(0, i) + "...";
}

// retryAfter reads the header Retry-After, in milliseconds: 0 without one, at most a day. A date counts from
// the answer's own Date.
function retryAfter(response: i32): i64 {
  const most: i64 = 24 * 60 * 60, after = header(response, "Retry-After");
  if (after == "") return 0;
  const n = digits(after);
  if (n >= 0) return n > 0xffffffff ? 0 : 1000 * min(n, most);
  const then = seconds(after), now = seconds(header(response, "Date"));
  return then < 0 || now < 0 || then <= now ? 0 : 1000 * min(then - now, most);
}

// digits is a number without a sign, -1 for anything else.
function digits(text: string): i64 {
  if (text.length == 0 || text.length > 15) return -1;
  let n: i64 = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x30 || c > 0x39) return -1;
    n = n * 10 + (c - 0x30);
  }
  return n;
}

// seconds reads a time of HTTP, such as Mon, 02 Jan 2006 15:04:05 GMT; -1 if it is none.
function seconds(time: string): i64 {
  if (time.length != 29 || time.substr(3, 2) != ", " || time.substr(25) != " GMT" || time.charAt(19) != ":" || time.charAt(22) != ":") return -1;
  const before: StaticArray<i64> = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
  const at = "JanFebMarAprMayJunJulAugSepOctNovDec".indexOf(time.substr(8, 3));
  const day = digits(time.substr(5, 2)), year = digits(time.substr(12, 4));
  const hour = digits(time.substr(17, 2)), minute = digits(time.substr(20, 2)), second = digits(time.substr(23, 2));
  if (at < 0 || at % 3 != 0 || day < 1 || day > 31 || year < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return -1;
  const leap: i64 = at > 3 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0) ? 1 : 0, y = year - 1;
  const days = year * 365 + y / 4 - y / 100 + y / 400 + before[at / 3] + leap + day;
  return ((days * 24 + hour) * 60 + minute) * 60 + second;
}
