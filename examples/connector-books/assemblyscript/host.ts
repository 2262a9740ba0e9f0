// The functions of the host, as docs/abi.md has them, and what a connector needs to use them:
// texts in UTF-8, and values that stay in the host.

@external("agenthost", "value_length") declare function value_length(handle: i32): i32;
@external("agenthost", "value_read") declare function value_read(handle: i32, offset: i32, to: usize, length: i32): i32;
@external("agenthost", "value_kind") declare function value_kind(handle: i32): i32;
@external("agenthost", "value_count") declare function value_count(handle: i32): i32;
@external("agenthost", "value_part") declare function value_part(handle: i32, pointer: usize, length: i32): i32;
@external("agenthost", "http_send") declare function http_send(request: usize, length: i32, body: usize, bodyLength: i32): i32;
@external("agenthost", "http_status") declare function http_status(handle: i32): i32;
@external("agenthost", "http_header") declare function http_header(handle: i32, name: usize, length: i32): i32;
@external("agenthost", "output_write") declare function output_write(bytes: usize, length: i32): i32;
@external("agenthost", "output_part") declare function output_part(handle: i32): i32;
@external("agenthost", "error") declare function last_error(): i32;

// The kinds of JSON.
export const INVALID = 0, NULL = 1, NUMBER = 3, STRING = 4, ARRAY = 5, OBJECT = 6;

// A function of the host failed. The call ends with its error, and no other function is called: its
// failure would take the place of the first one.
export let fault = false;

// begin starts a call.
export function begin(): void {
  fault = false;
}

function checked(result: i32): i32 {
  if (result >= 0) return result;
  fault = true;
  return 0;
}

// part is the handle of the part of a value at a JSON Pointer, 0 if there is none. 0 has no parts.
export function part(value: i32, pointer: string): i32 {
  if (value == 0 || fault) return 0;
  const utf8 = String.UTF8.encode(pointer);
  return checked(value_part(value, changetype<usize>(utf8), utf8.byteLength));
}

export function kind(value: i32): i32 {
  return value == 0 || fault ? INVALID : checked(value_kind(value));
}

export function length(value: i32): i32 {
  return value == 0 || fault ? 0 : checked(value_length(value));
}

export function count(value: i32): i32 {
  return value == 0 || fault ? 0 : checked(value_count(value));
}

// json is the bytes of a value as text, "" if there is none or if it is longer than most.
export function json(value: i32, most: i32 = 1 << 20): string {
  const n = length(value);
  if (n == 0 || n > most) return "";
  const bytes = new ArrayBuffer(n);
  for (let at = 0; at < n; ) {
    const got = checked(value_read(value, at, changetype<usize>(bytes) + at, n - at));
    if (got == 0) return "";
    at += got;
  }
  return String.UTF8.decode(bytes);
}

// text is the text of a JSON string, "" for anything else.
export function text(value: i32, most: i32 = 1 << 20): string {
  return kind(value) == STRING ? unquote(json(value, most)) : "";
}

// scalar is a value in a path or a query: a text without quotes, anything else as JSON.
export function scalar(value: i32): string {
  return kind(value) == STRING ? text(value) : json(value);
}

function unquote(quoted: string): string {
  const end = quoted.length - 1;
  let out = "", from = 1;
  for (let i = 1; i < end; i++) {
    if (quoted.charCodeAt(i) != 0x5c) continue;
    out += quoted.substring(from, i);
    const c = quoted.charAt(++i);
    if (c == "u") {
      out += String.fromCharCode(<i32>parseInt(quoted.substr(i + 1, 4), 16));
      i += 4;
    } else {
      out += c == "n" ? "\n" : c == "t" ? "\t" : c == "r" ? "\r" : c == "b" ? "\b" : c == "f" ? "\f" : c;
    }
    from = i + 1;
  }
  return out + quoted.substring(from, end);
}

// quote is a text as a JSON string.
export function quote(text: string): string {
  const hex = "0123456789abcdef";
  let out = '"', from = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x20 && c != 0x22 && c != 0x5c) continue;
    out += text.substring(from, i);
    from = i + 1;
    if (c == 0x22 || c == 0x5c) out += "\\" + text.charAt(i);
    else if (c == 0x0a) out += "\\n";
    else if (c == 0x0d) out += "\\r";
    else if (c == 0x09) out += "\\t";
    else out += "\\u00" + hex.charAt(c >> 4) + hex.charAt(c & 15);
  }
  return out + text.substring(from) + '"';
}

// send sends a request and returns the handle of the answer, 0 if there is none.
export function send(request: string, body: string): i32 {
  if (fault) return 0;
  const head = String.UTF8.encode(request), tail = String.UTF8.encode(body);
  return checked(http_send(changetype<usize>(head), head.byteLength, changetype<usize>(tail), tail.byteLength));
}

export function status(response: i32): i32 {
  return response == 0 || fault ? 0 : checked(http_status(response));
}

// header is the value of a header, "" if it is missing.
export function header(response: i32, name: string): string {
  if (response == 0 || fault) return "";
  const utf8 = String.UTF8.encode(name);
  return json(checked(http_header(response, changetype<usize>(utf8), utf8.byteLength)));
}

// write appends text to the output.
export function write(text: string): bool {
  const utf8 = String.UTF8.encode(text);
  return output_write(changetype<usize>(utf8), utf8.byteLength) >= 0;
}

// writePart appends a value of the host to the output.
export function writePart(value: i32): bool {
  return output_part(value) >= 0;
}

// writeFault answers the error of the function that failed.
export function writeFault(): bool {
  return write('{"error":') && output_part(last_error()) >= 0 && write("}");
}
