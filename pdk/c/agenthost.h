/*
 * agenthost.h: the kit for connectors in C (C99), and in languages that can read a C header.
 *
 * A connector is a table: an ah_connector with an ah_operation for each operation. The kit makes
 * the manifest of it and executes it. What a table cannot say goes into the function `handle` of
 * an operation. docs/abi.md specifies what the kit speaks with the host.
 *
 *     #define AGENTHOST_IMPLEMENTATION   // in one file of the connector
 *     #include "agenthost.h"
 *
 *     static const ah_connector connector = {.name = "hello", ...};
 *     AH_EXPORT(connector)
 *
 * Build it without a C library, or with wasi-libc if your own code wants one:
 *
 *     clang --target=wasm32 -O2 -ffreestanding -mbulk-memory -nostdlib -Wl,--no-entry,--stack-first -o hello.wasm hello.c
 *
 * Memory: a call starts with an empty arena, and nothing is freed before it ends. Every pointer that
 * the kit returns is good until then. Texts are UTF-8 with a length, not ended by a zero.
 *
 * Failures: a function of the host that fails ends the call with the host's error, whatever the
 * connector answers. So there is no need to check each step: values that could not be had are absent.
 */
#ifndef AGENTHOST_H
#define AGENTHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The functions of the host, as docs/abi.md has them. Native tests define their own. ---- */

#ifdef __wasm__
#define AH_IMPORT(function) __attribute__((import_module("agenthost"), import_name(function)))
#else
#define AH_IMPORT(function)
#endif

AH_IMPORT("value_length") int32_t ah_host_value_length(int32_t handle);
AH_IMPORT("value_read") int32_t ah_host_value_read(int32_t handle, uint32_t offset, void *to, uint32_t length);
AH_IMPORT("value_kind") int32_t ah_host_value_kind(int32_t handle);
AH_IMPORT("value_count") int32_t ah_host_value_count(int32_t handle);
AH_IMPORT("value_part") int32_t ah_host_value_part(int32_t handle, const void *pointer, uint32_t length);
AH_IMPORT("value_drop") int32_t ah_host_value_drop(int32_t handle);
AH_IMPORT("http_send") int32_t ah_host_http_send(const void *request, uint32_t length, const void *body, uint32_t body_length);
AH_IMPORT("http_status") int32_t ah_host_http_status(int32_t handle);
AH_IMPORT("http_header") int32_t ah_host_http_header(int32_t handle, const void *name, uint32_t length);
AH_IMPORT("output_write") int32_t ah_host_output_write(const void *bytes, uint32_t length);
AH_IMPORT("output_part") int32_t ah_host_output_part(int32_t handle);
AH_IMPORT("sleep") int32_t ah_host_sleep(int32_t milliseconds);
AH_IMPORT("log") int32_t ah_host_log(int32_t level, const void *text, uint32_t length);
AH_IMPORT("error") int32_t ah_host_error(void);

/* ---- Texts and JSON ---- */

/* ah_text is a text with its length. Its data is NULL if it is absent. */
typedef struct ah_text {
	const char *data;
	size_t length;
} ah_text;

/* ah_json is JSON text in the connector's memory; absent if its data is NULL. */
typedef ah_text ah_json;

/* ah_kind is the kind of a JSON value. */
typedef enum ah_kind { AH_NO_JSON, AH_NULL, AH_BOOLEAN, AH_NUMBER, AH_STRING, AH_ARRAY, AH_OBJECT } ah_kind;

ah_text ah_text_of(const char *zero_terminated);
bool ah_equal(ah_text a, const char *zero_terminated);
ah_kind ah_json_kind(ah_json json);
/* ah_json_text is the text of a JSON string, absent for anything else. */
ah_text ah_json_text(ah_json json);
/* ah_json_integer reads a number without a fraction and an exponent that fits. */
bool ah_json_integer(ah_json json, int64_t *number);
/* ah_json_member is a member of an object, the last one of that name. */
ah_json ah_json_member(ah_json object, const char *name);

/* ah_buffer is text that grows. Start with {0}. */
typedef struct ah_buffer {
	char *data;
	size_t length, capacity;
} ah_buffer;

void ah_put(ah_buffer *buffer, ah_text text);
void ah_puts(ah_buffer *buffer, const char *zero_terminated);
/* ah_put_string puts a text as a JSON string; bytes that are not UTF-8 become U+FFFD. */
void ah_put_string(ah_buffer *buffer, ah_text text);
void ah_put_integer(ah_buffer *buffer, int64_t number);
/* ah_put_key puts the name of a member, and a comma before it if it is not the first one. */
void ah_put_key(ah_buffer *buffer, const char *name);
ah_text ah_buffer_text(const ah_buffer *buffer);
/* ah_alloc takes memory from the call's arena. */
void *ah_alloc(size_t bytes);

/* ---- Values of the host ---- */

/* ah_value is a handle of a JSON value, or of the bytes of a response, that the host keeps. 0 is absent.
 * Its bytes enter the connector only when they are read. */
typedef int32_t ah_value;

/* ah_part is the part of a value at a JSON Pointer (RFC 6901), such as /data/0/id. */
ah_value ah_part(ah_value value, const char *pointer);
ah_kind ah_value_kind(ah_value value);
size_t ah_length(ah_value value);
/* ah_count is how many elements an array has, or members an object. */
size_t ah_count(ah_value value);
/* ah_read copies a value, or nothing if it is longer than most. */
ah_json ah_read(ah_value value, size_t most);
void ah_drop(ah_value value);

/* ---- The table ---- */

/* ah_schema is the JSON Schema of a parameter or of a part of one. Numbers in it are texts, so
 * that NULL can say that there is none. */
typedef struct ah_schema {
	const char *type; /* string, integer, number, boolean, array or object */
	const char *description;
	const char *format;          /* such as date-time */
	const char *pattern;         /* RE2; anchor it with ^ and $ */
	const char *const *choices;  /* the only values, ended by NULL */
	const char *assumed;         /* what the vendor assumes, as JSON text; it is not sent */
	const char *min, *max;       /* of a number, or of the length of a text or an array */
	const struct ah_schema *items;
	const struct ah_property *properties; /* of an object, ended by one without a name; NULL permits any */
	const char *json;            /* the whole schema as JSON text, in place of all the others */
} ah_schema;

/* ah_property is a member of an object. */
typedef struct ah_property {
	const char *name;
	ah_schema schema;
	bool required;
} ah_property;

/* ah_place is where a parameter goes. AH_INPUT parameters are only for `handle`. */
typedef enum ah_place { AH_INPUT, AH_PATH, AH_QUERY, AH_HEADER, AH_BODY } ah_place;

/* ah_style is how an array is written in the query: a=1&a=2, a=1,2, a[]=1&a[]=2 or a[0]=1&a[1]=2. */
typedef enum ah_style { AH_FORM, AH_COMMA, AH_BRACKETS, AH_INDICES } ah_style;

/* ah_param is a parameter of an operation. An object in the query is name[member]=value. Values in the
 * body are sent as the caller wrote them. */
typedef struct ah_param {
	const char *name;
	ah_place in;
	bool required; /* those in the path are */
	ah_schema schema;
	const char *as;        /* the vendor's name, if it is another one */
	const char *otherwise; /* JSON text that is sent if the caller gives none */
	const char *constant;  /* JSON text that is always sent; callers do not see the parameter */
	ah_style style;
} ah_param;

/* ah_by is what leads to the next page: a cursor that the vendor gives, or numbers that the kit counts. */
typedef enum ah_by { AH_BY_CURSOR, AH_BY_OFFSET, AH_BY_PAGE } ah_by;

/* ah_page says how a vendor paginates. The operation gets the parameters cursor and limit, and its meta
 * next_cursor and has_more. The vendor's names are parameters too. */
typedef struct ah_page {
	ah_place in; /* AH_QUERY or AH_BODY: where both parameters go */
	ah_by by;
	const char *cursor_name, *limit_name; /* the vendor's names */
	bool no_limit;                        /* the vendor has no parameter for the length of a page */
	int64_t max_limit, default_limit;     /* 0 is unknown; the default is sent if the caller gives none */
	const char *cursor;                   /* JSON Pointer to the next cursor */
	const char *header;                   /* or the name of the header that has it */
	const char *more;                     /* JSON Pointer to a boolean */
	int64_t first;                        /* the offset or the number of the first page */
	bool send_first;
	const char *total, *pages; /* JSON Pointers to how many records or pages there are */
} ah_page;

/* ah_meta is a member of the result's meta: a part of the answer, or a header. */
typedef struct ah_meta {
	const char *name;
	const char *pointer;
	const char *header;
} ah_meta;

/* ah_template is a request that an operation may send. */
typedef struct ah_template {
	const char *method, *path, *server;
} ah_template;

typedef struct ah_call ah_call;

/* ah_operation is a row of the table. */
typedef struct ah_operation {
	const char *entity, *action, *title, *description;
	const char *effect; /* read, write or delete */
	const char *permission;
	bool idempotent;
	const char *method, *path, *server;
	const ah_param *params; /* in the order in which they are sent, ended by one without a name */
	const char *accept;     /* a media type, if it is not the connector's */
	bool list;              /* the records are an array; so they are with a page */
	const char *data;       /* JSON Pointer to the records in the answer */
	bool data_optional;     /* the vendor leaves them out where there are none */
	const ah_meta *meta;    /* ended by one without a name */
	const ah_page *page;
	const ah_template *requests; /* that handle sends besides method and path, ended by one without a method */
	void (*handle)(ah_call *);   /* runs the operation in place of ah_run */
	const char *const *examples; /* values of the parameters as JSON, ended by NULL */
	const char *more;            /* further members of the manifest, as JSON: "\"rate_limit\":{...}" */
} ah_operation;

typedef struct ah_server {
	const char *id, *url, *title;
} ah_server;

/* ah_field is what a person configures of a scheme. */
typedef struct ah_field {
	const char *name, *title, *description;
	bool secret, required;
	const char *pattern, *format;
} ah_field;

/* ah_injection is where a credential goes: in header, query or cookie. */
typedef struct ah_injection {
	const char *in, *name, *value;
} ah_injection;

/* ah_scheme is a way to authenticate. The lists end with an element without a name, or NULL. */
typedef struct ah_scheme {
	const char *id, *type, *title, *description;
	const ah_field *fields;
	const ah_injection *inject;
	const char *username, *password; /* templates, of type basic */
	const char *oauth2;              /* the member oauth2, as JSON text */
	const char *const *origins;
} ah_scheme;

/* ah_condition holds if there is something other than null and false, or what equals says as JSON. */
typedef struct ah_condition {
	const char *pointer, *header, *equals;
	bool negated;
} ah_condition;

typedef struct ah_code {
	const char *code;
	int status;
} ah_code;

/* ah_failures say how the vendor reports failures. Pointers are lists ended by NULL, of which the first
 * counts that leads to something; in them * stands for each element. */
typedef struct ah_failures {
	const ah_condition *conditions; /* one makes a failure of status 2xx; ended by one without pointer and header */
	const char *const *message, *const *code, *const *field, *const *request_id;
	const ah_code *codes; /* statuses of HTTP that say the same as codes, ended by one without a code */
} ah_failures;

/* ah_connector is a whole connector. The lists end with an element that is all zero. */
typedef struct ah_connector {
	const char *name, *title, *version, *description, *docs_url;
	const ah_server *servers;
	const ah_scheme *auth;
	const char *check_entity, *check_action; /* the operation that proves a credential */
	const ah_operation *operations;
	const char *accept; /* the media type that requests accept, if it is not JSON */
	const ah_failures *failures;
	const char *more; /* further members of the manifest, as JSON: "\"rate_headers\":[...]" */
} ah_connector;

/* ---- Errors ---- */

/* ah_error is what a caller gets. docs/abi.md has the kinds. */
typedef struct ah_error {
	const char *kind;
	ah_text message, hint, field;
	bool retryable;
	int64_t retry_after_ms;
	int status;
	ah_text code, request_id;
} ah_error;

/* ---- A call, for `handle` ---- */

/* ah_request is a request under construction. Start with {0}, or with ah_request_of. */
typedef struct ah_request {
	const char *method, *path, *server;
	ah_buffer path_params, query, headers; /* JSON, without the outer brackets */
	ah_text body;
} ah_request;

/* ah_response is the vendor's answer, of any status. Its body is absent if the request failed. */
typedef struct ah_response {
	int status;
	ah_value body;
} ah_response;

/* ah_result is what a call answers. */
typedef struct ah_result {
	ah_value data; /* of the host, or else */
	ah_json json;  /* JSON text */
	const char *wrap; /* the member that data becomes */
	ah_buffer meta;   /* members, with ah_put_key */
	struct { size_t at; ah_value value; } parts[32];
	size_t part_count;
} ah_result;

typedef struct ah_field_value {
	const ah_param *param;
	const char *name; /* NULL if callers cannot set it */
	ah_json value;    /* the caller's, or else the one of the table */
	bool given;
} ah_field_value;

struct ah_call {
	const ah_connector *connector;
	const ah_operation *operation;
	ah_json params;
	ah_field_value *fields;
	size_t field_count;
	ah_result result;
	ah_error error;
	bool failed;
	bool lost; /* the vendor says that there are more pages, but not how to get them */
};

/* ah_param_of is what the caller gave, absent if nothing. */
ah_json ah_param_of(ah_call *call, const char *name);
/* ah_run executes the row: request, errors, result. */
void ah_run(ah_call *call);
ah_request ah_request_of(ah_call *call);
void ah_add_path(ah_request *request, const char *name, ah_text value);
void ah_add_query(ah_request *request, const char *name, ah_text value);
void ah_add_header(ah_request *request, const char *name, ah_text value);
/* ah_send sends a request. If there is no answer, the call ends with the host's error. */
ah_response ah_send(ah_call *call, const ah_request *request);
/* ah_do is ah_send, and fails the call if the answer is a failure. It returns whether it is none. */
bool ah_do(ah_call *call, const ah_request *request, ah_response *response);
ah_text ah_header(ah_response response, const char *name);
/* ah_respond makes the result of an answer as the row says; ah_respond_page with a next cursor of its own,
 * which is absent on the last page. */
void ah_respond(ah_call *call, ah_response response);
void ah_respond_page(ah_call *call, ah_response response, ah_text next);
/* ah_meta_value adds a value of the host to meta. */
void ah_meta_value(ah_call *call, const char *name, ah_value value);
/* ah_fail ends the call with an error. The first one counts. */
void ah_fail(ah_call *call, ah_error error);
/* ah_status_error makes an error of a failed answer, from its status and Retry-After. */
ah_error ah_status_error(ah_call *call, ah_response response);
void ah_invalid_param(ah_call *call, const char *field, ah_text message, const char *hint);
void ah_log(int level, const char *text);
void ah_sleep(int32_t milliseconds);

/* ---- The exports ---- */

int32_t ah_describe(const ah_connector *connector);
int32_t ah_auth_schema(const ah_connector *connector);
int32_t ah_execute(const ah_connector *connector);

#ifdef __wasm__
#define AH_EXPORT_NAME(name) __attribute__((export_name(name)))
#else
#define AH_EXPORT_NAME(name)
#endif

#define AH_EXPORT(connector) \
	AH_EXPORT_NAME("describe") int32_t describe(void) { return ah_describe(&(connector)); } \
	AH_EXPORT_NAME("auth_schema") int32_t auth_schema(void) { return ah_auth_schema(&(connector)); } \
	AH_EXPORT_NAME("execute") int32_t execute(void) { return ah_execute(&(connector)); }

#ifdef __cplusplus
}
#endif

#endif /* AGENTHOST_H */

#ifdef AGENTHOST_IMPLEMENTATION

/* ---- Memory and texts ---- */

static struct {
	char *at, *end;
	bool fault; /* a function of the host failed: the call ends with its error */
	union {
		char bytes[16 << 10];
		uint64_t aligned;
	} first;
} ah_state;

static void ah_reset(void) {
	ah_state.at = ah_state.first.bytes;
	ah_state.end = ah_state.first.bytes + sizeof ah_state.first;
	ah_state.fault = false;
}

#ifndef __wasm__
extern void *malloc(size_t);
#endif

void *ah_alloc(size_t bytes) {
	bytes = (bytes + 7) & ~(size_t)7;
	if (ah_state.at == NULL) ah_reset();
	if (bytes > (size_t)(ah_state.end - ah_state.at)) {
#ifdef __wasm__
		size_t pages = (bytes + 65535) / 65536;
		size_t before = __builtin_wasm_memory_grow(0, pages);
		if (before == (size_t)-1) __builtin_trap(); /* the host says that the memory is used up */
		if ((char *)(before * 65536) != ah_state.end) ah_state.at = (char *)(before * 65536);
		ah_state.end = (char *)((before + pages) * 65536);
#else
		size_t block = bytes > 65536 ? bytes : 65536;
		ah_state.at = (char *)malloc(block);
		if (ah_state.at == NULL) __builtin_trap();
		ah_state.end = ah_state.at + block;
#endif
	}
	void *memory = ah_state.at;
	ah_state.at += bytes;
	return memory;
}

static void ah_copy(void *to, const void *from, size_t n) {
	if (n > 0) __builtin_memcpy(to, from, n);
}

static size_t ah_strlen(const char *s) {
	size_t n = 0;
	while (s[n] != 0) n++;
	return n;
}

static bool ah_same(const char *a, const char *b, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i]) return false;
	return true;
}

ah_text ah_text_of(const char *s) {
	ah_text text = {s, s == NULL ? 0 : ah_strlen(s)};
	return text;
}

static ah_text ah_slice(const char *data, size_t length) {
	ah_text text = {data, length};
	return text;
}

static const ah_text ah_absent = {NULL, 0};

bool ah_equal(ah_text a, const char *b) {
	return b != NULL && a.data != NULL && a.length == ah_strlen(b) && ah_same(a.data, b, a.length);
}

static bool ah_equal_texts(ah_text a, ah_text b) {
	return a.length == b.length && ah_same(a.data, b.data, a.length);
}

static char ah_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static ah_text ah_trim(ah_text t) {
	while (t.length > 0 && (t.data[0] == ' ' || t.data[0] == '\t')) t.data++, t.length--;
	while (t.length > 0 && (t.data[t.length - 1] == ' ' || t.data[t.length - 1] == '\t')) t.length--;
	return t;
}

static char *ah_room(ah_buffer *b, size_t more) {
	if (more > b->capacity - b->length) {
		size_t capacity = b->capacity * 2 > b->length + more ? b->capacity * 2 : b->length + more;
		if (capacity < 256) capacity = 256;
		char *data = (char *)ah_alloc(capacity);
		ah_copy(data, b->data, b->length);
		b->data = data;
		b->capacity = capacity;
	}
	return b->data + b->length;
}

void ah_put(ah_buffer *b, ah_text text) {
	ah_copy(ah_room(b, text.length), text.data, text.length);
	b->length += text.length;
}

void ah_puts(ah_buffer *b, const char *s) { ah_put(b, ah_text_of(s)); }

static void ah_put_char(ah_buffer *b, char c) { ah_put(b, ah_slice(&c, 1)); }

/* ah_sequence is how many bytes of UTF-8 are one character, 0 if they are none. */
static size_t ah_sequence(const unsigned char *s, size_t left) {
	unsigned char c = s[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
	if (n == 0 || n > left) return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80) return 0;
	if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f)) return 0;
	return n;
}

void ah_put_string(ah_buffer *b, ah_text text) {
	static const char hex[] = "0123456789abcdef";
	ah_put_char(b, '"');
	for (size_t i = 0; i < text.length;) {
		size_t start = i;
		while (i < text.length) {
			unsigned char c = (unsigned char)text.data[i];
			if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
			i++;
		}
		ah_put(b, ah_slice(text.data + start, i - start));
		if (i == text.length) break;
		unsigned char c = (unsigned char)text.data[i];
		if (c >= 0x80) {
			size_t n = ah_sequence((const unsigned char *)text.data + i, text.length - i);
			ah_put(b, n > 0 ? ah_slice(text.data + i, n) : ah_slice("\xef\xbf\xbd", 3));
			i += n > 0 ? n : 1;
			continue;
		}
		if (c == '"' || c == '\\') {
			ah_put_char(b, '\\');
			ah_put_char(b, (char)c);
		} else if (c == '\n') {
			ah_puts(b, "\\n");
		} else if (c == '\r') {
			ah_puts(b, "\\r");
		} else if (c == '\t') {
			ah_puts(b, "\\t");
		} else {
			char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
			ah_put(b, ah_slice(escape, sizeof escape));
		}
		i++;
	}
	ah_put_char(b, '"');
}

void ah_put_integer(ah_buffer *b, int64_t number) {
	char digits[20];
	size_t at = sizeof digits;
	uint64_t n = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	if (number < 0) digits[--at] = '-';
	ah_put(b, ah_slice(digits + at, sizeof digits - at));
}

static void ah_put_comma(ah_buffer *b) {
	if (b->length > 0 && b->data[b->length - 1] != '{' && b->data[b->length - 1] != '[') ah_put_char(b, ',');
}

void ah_put_key(ah_buffer *b, const char *name) {
	ah_put_comma(b);
	ah_put_string(b, ah_text_of(name));
	ah_put_char(b, ':');
}

ah_text ah_buffer_text(const ah_buffer *b) { return ah_slice(b->length > 0 ? b->data : "", b->length); }

/* ah_member writes a member that is a text, unless it is NULL or empty. */
static void ah_member(ah_buffer *b, const char *name, const char *value) {
	if (value == NULL || value[0] == 0) return;
	ah_put_key(b, name);
	ah_put_string(b, ah_text_of(value));
}

static void ah_member_text(ah_buffer *b, const char *name, ah_text value) {
	if (value.length == 0) return;
	ah_put_key(b, name);
	ah_put_string(b, value);
}

static void ah_member_json(ah_buffer *b, const char *name, const char *json) {
	if (json == NULL) return;
	ah_put_key(b, name);
	ah_puts(b, json);
}

static void ah_member_true(ah_buffer *b, const char *name, bool value) {
	if (value) ah_member_json(b, name, "true");
}

static void ah_member_texts(ah_buffer *b, const char *name, const char *const *values) {
	if (values == NULL || values[0] == NULL) return;
	ah_put_key(b, name);
	ah_put_char(b, '[');
	for (; *values != NULL; values++) {
		ah_put_comma(b);
		ah_put_string(b, ah_text_of(*values));
	}
	ah_put_char(b, ']');
}

/* ---- Reading JSON. The host has checked it, so these functions need not. ---- */

static const char *ah_space(const char *p, const char *end) {
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
	return p;
}

static const char *ah_skip_string(const char *p, const char *end) {
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\') p++;
	return p < end ? p + 1 : end;
}

/* ah_skip returns the end of the value at p. */
static const char *ah_skip(const char *p, const char *end) {
	int depth = 0;
	while (p < end) {
		switch (*p) {
		case '"':
			p = ah_skip_string(p, end);
			break;
		case '{': case '[':
			depth++;
			p++;
			continue;
		case '}': case ']':
			depth--;
			p++;
			break;
		case ',': case ':': case ' ': case '\t': case '\n': case '\r':
			p++;
			continue;
		default:
			while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ' ' && *p != '\t' && *p != '\n' && *p != '\r') p++;
		}
		if (depth <= 0) return p;
	}
	return end;
}

/* ah_walk ranges over the elements of an array or the members of an object. */
typedef struct ah_walk {
	const char *at, *end;
	ah_json name, value;
} ah_walk;

static ah_walk ah_walk_of(ah_json json) {
	ah_walk walk = {NULL, NULL, {NULL, 0}, {NULL, 0}};
	ah_kind kind = ah_json_kind(json);
	if (kind == AH_ARRAY || kind == AH_OBJECT) {
		walk.end = json.data + json.length;
		walk.at = ah_space(json.data, walk.end) + 1;
	}
	return walk;
}

static bool ah_next(ah_walk *w, bool object) {
	const char *p = w->at;
	while (p < w->end && (*p == ',' || *p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
	if (p >= w->end || *p == '}' || *p == ']') return false;
	if (object) {
		const char *after = ah_skip_string(p, w->end);
		w->name = ah_slice(p, (size_t)(after - p));
		p = ah_space(after, w->end);
		p = ah_space(p < w->end ? p + 1 : p, w->end);
	}
	w->at = ah_skip(p, w->end);
	w->value = ah_slice(p, (size_t)(w->at - p));
	return true;
}

ah_kind ah_json_kind(ah_json json) {
	const char *end = json.data + json.length, *p = json.data == NULL ? NULL : ah_space(json.data, end);
	if (p == NULL || p >= end) return AH_NO_JSON;
	switch (*p) {
	case '{': return AH_OBJECT;
	case '[': return AH_ARRAY;
	case '"': return AH_STRING;
	case 'n': return AH_NULL;
	case 't': case 'f': return AH_BOOLEAN;
	}
	return AH_NUMBER;
}

static uint32_t ah_hex4(const char *p) {
	uint32_t n = 0;
	for (int i = 0; i < 4; i++) {
		char c = ah_lower(p[i]);
		n = n << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return n;
}

static void ah_put_rune(ah_buffer *b, uint32_t r) {
	char c[4];
	size_t n;
	if (r >= 0xd800 && r < 0xe000) r = 0xfffd;
	if (r < 0x80) {
		c[0] = (char)r, n = 1;
	} else if (r < 0x800) {
		c[0] = (char)(0xc0 | r >> 6), c[1] = (char)(0x80 | (r & 63)), n = 2;
	} else if (r < 0x10000) {
		c[0] = (char)(0xe0 | r >> 12), c[1] = (char)(0x80 | (r >> 6 & 63)), c[2] = (char)(0x80 | (r & 63)), n = 3;
	} else {
		c[0] = (char)(0xf0 | r >> 18), c[1] = (char)(0x80 | (r >> 12 & 63)), c[2] = (char)(0x80 | (r >> 6 & 63)), c[3] = (char)(0x80 | (r & 63)), n = 4;
	}
	ah_put(b, ah_slice(c, n));
}

ah_text ah_json_text(ah_json json) {
	if (ah_json_kind(json) != AH_STRING) return ah_absent;
	const char *p = ah_space(json.data, json.data + json.length) + 1, *end = json.data + json.length;
	while (end > p && end[-1] != '"') end--;
	end--;
	const char *escape = p;
	while (escape < end && *escape != '\\') escape++;
	if (escape == end) return ah_slice(p, (size_t)(end - p));
	ah_buffer b = {NULL, 0, 0};
	while (p < end) {
		const char *start = p;
		while (p < end && *p != '\\') p++;
		ah_put(&b, ah_slice(start, (size_t)(p - start)));
		if (p + 1 >= end) break;
		char c = p[1];
		p += 2;
		if (c != 'u') {
			ah_put_char(&b, c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c);
			continue;
		}
		if (end - p < 4) break;
		uint32_t r = ah_hex4(p);
		p += 4;
		if (r >= 0xd800 && r < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
			uint32_t low = ah_hex4(p + 2);
			if (low >= 0xdc00 && low < 0xe000) {
				r = 0x10000 + ((r - 0xd800) << 10) + (low - 0xdc00);
				p += 6;
			}
		}
		ah_put_rune(&b, r);
	}
	return ah_buffer_text(&b);
}

static bool ah_digits(ah_text t, uint64_t most, uint64_t *number) {
	uint64_t n = 0;
	if (t.length == 0) return false;
	for (size_t i = 0; i < t.length; i++) {
		if (t.data[i] < '0' || t.data[i] > '9') return false;
		uint64_t digit = (uint64_t)(t.data[i] - '0');
		if (n > (most - digit) / 10) return false;
		n = n * 10 + digit;
	}
	*number = n;
	return true;
}

static bool ah_integer(ah_text t, int64_t *number) {
	bool negative = t.length > 0 && t.data[0] == '-';
	uint64_t n;
	if (!ah_digits(ah_slice(t.data + negative, t.length - negative), (uint64_t)INT64_MAX + negative, &n)) return false;
	*number = negative ? (int64_t)(0 - n) : (int64_t)n;
	return true;
}

bool ah_json_integer(ah_json json, int64_t *number) { return ah_json_kind(json) == AH_NUMBER && ah_integer(json, number); }

/* ah_named compares the name of a member, as it stands in JSON, with a text. Few names have escapes. */
static bool ah_named(ah_json name, ah_text text) {
	if (name.length == text.length + 2 && ah_same(name.data + 1, text.data, text.length)) return true;
	for (size_t i = 0; i < name.length; i++)
		if (name.data[i] == '\\') return ah_equal_texts(ah_json_text(name), text);
	return false;
}

static ah_json ah_json_member_of(ah_json object, ah_text name) {
	ah_json found = ah_absent;
	if (ah_json_kind(object) != AH_OBJECT) return found;
	for (ah_walk w = ah_walk_of(object); ah_next(&w, true);)
		if (ah_named(w.name, name)) found = w.value;
	return found;
}

ah_json ah_json_member(ah_json object, const char *name) { return ah_json_member_of(object, ah_text_of(name)); }

/* ah_scalar is a value in a path or a query: a text without quotes, anything else as JSON. */
static ah_text ah_scalar(ah_json value) { return ah_json_kind(value) == AH_STRING ? ah_json_text(value) : value; }

/* ---- Values ---- */

static bool ah_bad(int32_t result) {
	if (result < 0) ah_state.fault = true;
	return result < 0;
}

/* ah_ready says that a value is there, and that no function of the host has failed: its error would
 * take the place of the first one. */
static bool ah_ready(ah_value value) { return value > 0 && !ah_state.fault; }

ah_value ah_part(ah_value value, const char *pointer) {
	if (!ah_ready(value) || pointer == NULL || pointer[0] == 0) return value > 0 ? value : 0;
	int32_t handle = ah_host_value_part(value, pointer, (uint32_t)ah_strlen(pointer));
	return ah_bad(handle) ? 0 : handle;
}

ah_kind ah_value_kind(ah_value value) {
	if (!ah_ready(value)) return AH_NO_JSON;
	int32_t kind = ah_host_value_kind(value);
	return ah_bad(kind) ? AH_NO_JSON : (ah_kind)kind;
}

size_t ah_length(ah_value value) {
	if (!ah_ready(value)) return 0;
	int32_t length = ah_host_value_length(value);
	return ah_bad(length) ? 0 : (size_t)length;
}

size_t ah_count(ah_value value) {
	if (!ah_ready(value)) return 0;
	int32_t count = ah_host_value_count(value);
	return ah_bad(count) ? 0 : (size_t)count;
}

ah_json ah_read(ah_value value, size_t most) {
	if (!ah_ready(value)) return ah_absent;
	size_t length = ah_length(value);
	if (length > most || ah_state.fault) return ah_absent;
	char *data = (char *)ah_alloc(length + 1);
	for (size_t at = 0; at < length;) {
		int32_t n = ah_host_value_read(value, (uint32_t)at, data + at, (uint32_t)(length - at));
		if (n <= 0) {
			ah_state.fault = true;
			return ah_absent;
		}
		at += (size_t)n;
	}
	return ah_slice(data, length);
}

void ah_drop(ah_value value) {
	if (ah_ready(value)) ah_host_value_drop(value);
}

static const size_t ah_longest = 1 << 20; /* of a value that the kit reads */

void ah_log(int level, const char *text) { ah_host_log(level, text, (uint32_t)ah_strlen(text)); }

void ah_sleep(int32_t milliseconds) {
	if (!ah_state.fault) ah_bad(ah_host_sleep(milliseconds));
}

/* ---- The manifest ---- */

static void ah_put_schema(ah_buffer *b, const ah_schema *s);

static void ah_put_members(ah_buffer *b, const ah_property *properties) {
	ah_put_key(b, "properties");
	ah_put_char(b, '{');
	bool required = false;
	for (const ah_property *p = properties; p->name != NULL; p++) {
		ah_put_key(b, p->name);
		ah_put_schema(b, &p->schema);
		required = required || p->required;
	}
	ah_put_char(b, '}');
	if (required) {
		ah_put_key(b, "required");
		ah_put_char(b, '[');
		for (const ah_property *p = properties; p->name != NULL; p++) {
			if (!p->required) continue;
			ah_put_comma(b);
			ah_put_string(b, ah_text_of(p->name));
		}
		ah_put_char(b, ']');
	}
	ah_member_json(b, "additionalProperties", "false");
}

static void ah_put_schema(ah_buffer *b, const ah_schema *s) {
	if (s->json != NULL) {
		ah_puts(b, s->json);
		return;
	}
	ah_put_char(b, '{');
	ah_member(b, "type", s->type);
	ah_member(b, "description", s->description);
	ah_member(b, "format", s->format);
	ah_member(b, "pattern", s->pattern);
	ah_member_texts(b, "enum", s->choices);
	ah_member_json(b, "default", s->assumed);
	char first = s->type == NULL ? 0 : s->type[0];
	ah_member_json(b, first == 's' ? "minLength" : first == 'a' ? "minItems" : first == 'o' ? "minProperties" : "minimum", s->min);
	ah_member_json(b, first == 's' ? "maxLength" : first == 'a' ? "maxItems" : first == 'o' ? "maxProperties" : "maximum", s->max);
	if (s->items != NULL) {
		ah_put_key(b, "items");
		ah_put_schema(b, s->items);
	}
	if (s->properties != NULL) ah_put_members(b, s->properties);
	ah_put_char(b, '}');
}

static const char *ah_wire(const ah_param *p) { return p->as != NULL ? p->as : p->name; }

static bool ah_counts(const ah_page *p) { return p->by != AH_BY_CURSOR; }

static const char *ah_number(int64_t n) {
	ah_buffer b = {NULL, 0, 0};
	ah_put_integer(&b, n);
	ah_put(&b, ah_slice("", 1));
	return b.data;
}

/* ah_params_of returns the parameters of an operation with those of its pagination, as properties
 * without values: cursor, limit and the vendor's names of them. */
static const ah_param *ah_params_of(const ah_operation *op, size_t *count) {
	size_t own = 0, n;
	while (op->params != NULL && op->params[own].name != NULL) own++;
	ah_param *all = (ah_param *)ah_alloc((own + 5) * sizeof(ah_param));
	for (n = 0; n < own; n++) {
		all[n] = op->params[n];
		all[n].required = all[n].required || all[n].in == AH_PATH;
	}
	const ah_page *page = op->page;
	if (page != NULL) {
		static const ah_param none;
		ah_param cursor = none, limit = none;
		cursor.name = "cursor";
		cursor.in = page->in;
		cursor.as = page->cursor_name;
		cursor.schema.type = "string";
		cursor.schema.description = "Where to go on: next_cursor of the page before. Leave it out for the first page.";
		cursor.schema.min = "1";
		cursor.schema.max = "8192";
		if (ah_counts(page)) {
			cursor.schema.max = "18";
			cursor.schema.pattern = "^[0-9]+$";
			if (page->send_first) cursor.otherwise = ah_number(page->first);
		}
		limit.name = "limit";
		limit.in = page->no_limit ? AH_INPUT : page->in;
		limit.as = page->limit_name;
		limit.schema.type = "integer";
		limit.schema.description = "How many records to return at most.";
		limit.schema.min = "1";
		if (page->max_limit > 0) limit.schema.max = ah_number(page->max_limit);
		if (page->default_limit > 0) limit.otherwise = limit.schema.assumed = ah_number(page->default_limit);
		all[n++] = cursor;
		all[n++] = limit;
		if (page->cursor_name != NULL && !ah_equal(ah_text_of(page->cursor_name), "cursor")) {
			ah_param alias = cursor;
			if (ah_counts(page)) {
				alias.schema = none.schema;
				alias.schema.type = "integer";
				alias.schema.min = "0";
			}
			alias.name = page->cursor_name;
			alias.schema.description = "The vendor's name for cursor; give one of the two.";
			alias.otherwise = NULL;
			alias.in = AH_INPUT;
			all[n++] = alias;
		}
		if (page->limit_name != NULL && !ah_equal(ah_text_of(page->limit_name), "limit")) {
			ah_param alias = limit;
			alias.name = page->limit_name;
			alias.schema.description = "The vendor's name for limit; give one of the two.";
			alias.otherwise = NULL;
			alias.in = AH_INPUT;
			all[n++] = alias;
		}
	}
	*count = n;
	return all;
}

static void ah_put_template(ah_buffer *b, const char *server, const char *method, const char *path) {
	ah_put_comma(b);
	ah_put_char(b, '{');
	ah_member(b, "server", server);
	ah_member(b, "method", method);
	ah_member(b, "path", path);
	ah_put_char(b, '}');
}

static void ah_put_aliases(ah_buffer *b, const ah_page *page) {
	bool cursor = page->cursor_name != NULL && !ah_equal(ah_text_of(page->cursor_name), "cursor");
	bool limit = page->limit_name != NULL && !ah_equal(ah_text_of(page->limit_name), "limit");
	if (!cursor && !limit) return;
	ah_put_key(b, "aliases");
	ah_put_char(b, '{');
	if (cursor) ah_member(b, page->cursor_name, "cursor");
	if (limit) ah_member(b, page->limit_name, "limit");
	ah_put_char(b, '}');
}

static void ah_put_operation(ah_buffer *b, const ah_operation *op) {
	ah_put_comma(b);
	ah_put_char(b, '{');
	ah_member(b, "entity", op->entity);
	ah_member(b, "action", op->action);
	ah_member(b, "title", op->title);
	ah_member(b, "description", op->description);
	ah_member(b, "effect", op->effect);
	ah_member_true(b, "idempotent", op->idempotent);
	ah_member(b, "permission", op->permission);

	size_t count, shown = 0;
	const ah_param *params = ah_params_of(op, &count);
	ah_property *properties = (ah_property *)ah_alloc((count + 1) * sizeof(ah_property));
	for (size_t i = 0; i < count; i++) {
		if (params[i].constant != NULL) continue;
		properties[shown].name = params[i].name;
		properties[shown].schema = params[i].schema;
		properties[shown++].required = params[i].required;
	}
	properties[shown].name = NULL;
	ah_put_key(b, "params");
	ah_puts(b, "{\"type\":\"object\"");
	ah_put_members(b, properties);
	ah_put_char(b, '}');

	ah_put_key(b, "requests");
	ah_put_char(b, '[');
	if (op->method != NULL) ah_put_template(b, op->server, op->method, op->path);
	for (const ah_template *t = op->requests; t != NULL && t->method != NULL; t++) ah_put_template(b, t->server, t->method, t->path);
	ah_put_char(b, ']');
	if (op->page != NULL) {
		ah_member_true(b, "paginated", true);
		ah_member_true(b, "host_limit", op->page->no_limit);
		ah_put_aliases(b, op->page);
	}
	if (op->more != NULL) {
		ah_put_comma(b);
		ah_puts(b, op->more);
	}
	if (op->examples != NULL && op->examples[0] != NULL) {
		ah_put_key(b, "examples");
		ah_put_char(b, '[');
		for (const char *const *example = op->examples; *example != NULL; example++) {
			ah_put_comma(b);
			ah_puts(b, *example);
		}
		ah_put_char(b, ']');
	}
	ah_put_char(b, '}');
}

static int32_t ah_write(const ah_buffer *b) { return ah_host_output_write(b->data, (uint32_t)b->length) < 0; }

int32_t ah_describe(const ah_connector *c) {
	ah_reset();
	ah_buffer out = {NULL, 0, 0}, *b = &out;
	ah_puts(b, "{\"abi\":1");
	ah_member(b, "name", c->name);
	ah_member(b, "title", c->title);
	ah_member(b, "version", c->version);
	ah_member(b, "description", c->description);
	ah_member(b, "docs_url", c->docs_url);
	ah_put_key(b, "servers");
	ah_put_char(b, '[');
	for (const ah_server *s = c->servers; s != NULL && s->id != NULL; s++) {
		ah_put_comma(b);
		ah_put_char(b, '{');
		ah_member(b, "id", s->id);
		ah_member(b, "url", s->url);
		ah_member(b, "title", s->title);
		ah_put_char(b, '}');
	}
	ah_put_char(b, ']');
	if (c->check_entity != NULL) {
		ah_put_key(b, "check");
		ah_put_char(b, '{');
		ah_member(b, "entity", c->check_entity);
		ah_member(b, "action", c->check_action);
		ah_put_char(b, '}');
	}
	if (c->more != NULL) {
		ah_put_comma(b);
		ah_puts(b, c->more);
	}
	ah_put_key(b, "operations");
	ah_put_char(b, '[');
	for (const ah_operation *op = c->operations; op != NULL && op->entity != NULL; op++) ah_put_operation(b, op);
	ah_puts(b, "]}");
	return ah_write(b);
}

static void ah_put_scheme(ah_buffer *b, const ah_scheme *s) {
	ah_put_comma(b);
	ah_put_char(b, '{');
	ah_member(b, "id", s->id);
	ah_member(b, "type", s->type);
	ah_member(b, "title", s->title);
	ah_member(b, "description", s->description);
	ah_put_key(b, "fields");
	ah_put_char(b, '[');
	for (const ah_field *f = s->fields; f != NULL && f->name != NULL; f++) {
		ah_put_comma(b);
		ah_put_char(b, '{');
		ah_member(b, "name", f->name);
		ah_member(b, "title", f->title);
		ah_member(b, "description", f->description);
		ah_member_true(b, "secret", f->secret);
		ah_member_true(b, "required", f->required);
		ah_member(b, "pattern", f->pattern);
		ah_member(b, "format", f->format);
		ah_put_char(b, '}');
	}
	ah_put_char(b, ']');
	if (s->inject != NULL) {
		ah_put_key(b, "inject");
		ah_put_char(b, '[');
		for (const ah_injection *i = s->inject; i->name != NULL; i++) {
			ah_put_comma(b);
			ah_put_char(b, '{');
			ah_member(b, "in", i->in);
			ah_member(b, "name", i->name);
			ah_member(b, "value", i->value);
			ah_put_char(b, '}');
		}
		ah_put_char(b, ']');
	}
	if (s->username != NULL || s->password != NULL) {
		ah_put_key(b, "basic");
		ah_puts(b, "{\"username\":");
		ah_put_string(b, ah_text_of(s->username));
		ah_puts(b, ",\"password\":");
		ah_put_string(b, ah_text_of(s->password));
		ah_put_char(b, '}');
	}
	ah_member_json(b, "oauth2", s->oauth2);
	ah_member_texts(b, "origins", s->origins);
	ah_put_char(b, '}');
}

int32_t ah_auth_schema(const ah_connector *c) {
	ah_reset();
	ah_buffer b = {NULL, 0, 0};
	ah_puts(&b, "{\"schemes\":[");
	for (const ah_scheme *s = c->auth; s != NULL && s->id != NULL; s++) ah_put_scheme(&b, s);
	ah_puts(&b, "]}");
	return ah_write(&b);
}

/* ---- Errors ---- */

void ah_fail(ah_call *call, ah_error error) {
	if (call->failed) return;
	call->failed = true;
	call->error = error;
}

static ah_text ah_join(ah_text a, const char *b, ah_text c, const char *d) {
	ah_buffer buffer = {NULL, 0, 0};
	ah_put(&buffer, a);
	ah_puts(&buffer, b);
	ah_put(&buffer, c);
	ah_puts(&buffer, d);
	return ah_buffer_text(&buffer);
}

void ah_invalid_param(ah_call *call, const char *field, ah_text message, const char *hint) {
	ah_error e = {0};
	e.kind = "invalid_params";
	e.field = ah_text_of(field);
	e.message = message;
	e.hint = ah_text_of(hint);
	ah_fail(call, e);
}

static ah_text ah_shorten(ah_text t, size_t most) {
	if (t.length <= most) return t;
	size_t cut = most;
	while (cut > 0 && ((unsigned char)t.data[cut] & 0xc0) == 0x80) cut--;
	return ah_join(ah_slice(t.data, cut), "...", ah_absent, "");
}

/* ah_seconds reads a time of HTTP: Mon, 02 Jan 2006 15:04:05 GMT. */
static bool ah_seconds(ah_text t, int64_t *seconds) {
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	uint64_t day, year, hour, minute, second;
	if (t.length != 29 || !ah_same(t.data + 3, ", ", 2) || t.data[7] != ' ' || t.data[11] != ' ' || t.data[16] != ' ' || !ah_same(t.data + 25, " GMT", 4)) return false;
	if (!ah_digits(ah_slice(t.data + 5, 2), 99, &day) || !ah_digits(ah_slice(t.data + 12, 4), 9999, &year) || !ah_digits(ah_slice(t.data + 17, 2), 23, &hour) ||
	    !ah_digits(ah_slice(t.data + 20, 2), 59, &minute) || !ah_digits(ah_slice(t.data + 23, 2), 59, &second) || t.data[19] != ':' || t.data[22] != ':') return false;
	int month = 0;
	while (month < 12 && !ah_same(months + 3 * month, t.data + 8, 3)) month++;
	if (month == 12 || day < 1 || day > 31) return false;
	int64_t y = (int64_t)year, leaps = (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400;
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	int64_t days = y * 365 + leaps + before[month] + (month > 1 && leap) + (int64_t)day;
	*seconds = ((days * 24 + (int64_t)hour) * 60 + (int64_t)minute) * 60 + (int64_t)second;
	return true;
}

/* ah_retry_after reads the header Retry-After, in milliseconds: 0 without one, at most a day. A
 * connector has no reliable clock, so a date counts from the answer's own Date. */
static int64_t ah_retry_after(ah_response response) {
	const int64_t most = 24 * 60 * 60;
	ah_text header = ah_header(response, "Retry-After");
	uint64_t n;
	int64_t then, now;
	if (header.length == 0) return 0;
	if (ah_digits(header, UINT32_MAX, &n)) return 1000 * ((int64_t)n < most ? (int64_t)n : most);
	if (!ah_seconds(header, &then) || !ah_seconds(ah_header(response, "Date"), &now) || then <= now) return 0;
	return 1000 * (then - now < most ? then - now : most);
}

/* ah_error_as is the error of an answer as if it had another status, by the kinds of docs/abi.md. */
static ah_error ah_error_as(ah_call *call, ah_response response, int status) {
	ah_error e = {0};
	ah_buffer message = {NULL, 0, 0};
	ah_puts(&message, call->connector->title);
	ah_puts(&message, " answered with status ");
	ah_put_integer(&message, response.status);
	e.kind = "vendor_error";
	e.message = ah_buffer_text(&message);
	e.status = response.status;
	ah_text hint = ah_absent;
	switch (status) {
	case 400: case 413: case 414: case 422:
		e.kind = "invalid_params";
		hint = ah_text_of("change the parameters as the message says; the vendor did not do anything");
		break;
	case 401:
		e.kind = "auth_failed";
		hint = ah_text_of("check the credential of this connection");
		break;
	case 403:
		e.kind = "permission_denied";
		hint = ah_text_of("use a credential with the permission for this");
		if (call->operation->permission != NULL)
			hint = ah_join(ah_text_of("use a credential that has the permission "), call->operation->permission, ah_text_of(", or leave it"), "");
		break;
	case 404: case 410:
		e.kind = "not_found";
		hint = ah_text_of("check the ids; a list or search operation shows the valid ones");
		break;
	case 409:
		e.kind = "conflict";
		hint = ah_text_of("read the current state before trying again");
		break;
	case 429:
		e.kind = "rate_limited";
		hint = ah_text_of("wait before trying again");
		e.retryable = true;
		break;
	case 408: case 425: case 500: case 502: case 503: case 504:
		hint = ah_text_of("try again later");
		e.retryable = true;
		break;
	}
	e.hint = hint;
	if (e.retryable) e.retry_after_ms = ah_retry_after(response);
	return e;
}

ah_error ah_status_error(ah_call *call, ah_response response) { return ah_error_as(call, response, response.status); }

static bool ah_ok(ah_response response) { return response.status >= 200 && response.status < 300; }

/* ah_texts_at puts the texts and numbers that a pointer leads to, with "; " between them. In it * stands
 * for each element of an array and each member of an object. */
static void ah_texts_at(ah_buffer *out, ah_json value, const char *pointer, bool only_first) {
	if (pointer[0] == 0) {
		ah_kind kind = ah_json_kind(value);
		ah_text text = ah_scalar(value);
		if ((kind != AH_STRING && kind != AH_NUMBER) || text.length == 0 || (only_first && out->length > 0)) return;
		if (out->length > 0) ah_puts(out, "; ");
		ah_put(out, text);
		return;
	}
	size_t end = 1;
	while (pointer[end] != 0 && pointer[end] != '/') end++;
	bool object = ah_json_kind(value) == AH_OBJECT, any = end == 2 && pointer[1] == '*';
	ah_buffer segment = {NULL, 0, 0};
	for (size_t i = 1; i < end; i++) {
		char c = pointer[i];
		if (c == '~' && i + 1 < end) c = pointer[++i] == '1' ? '/' : '~';
		ah_put_char(&segment, c);
	}
	ah_text name = ah_buffer_text(&segment);
	if (object && !any) {
		ah_json member = ah_json_member_of(value, name);
		if (member.data != NULL) ah_texts_at(out, member, pointer + end, only_first);
		return;
	}
	uint64_t index = 0, wanted = 0;
	if (!any && !ah_digits(name, UINT32_MAX, &wanted)) return;
	for (ah_walk w = ah_walk_of(value); ah_next(&w, object); index++)
		if (any || index == wanted) ah_texts_at(out, w.value, pointer + end, only_first);
}

static ah_text ah_texts(ah_json body, const char *const *pointers, bool only_first) {
	ah_buffer out = {NULL, 0, 0};
	for (; pointers != NULL && *pointers != NULL && out.length == 0; pointers++) ah_texts_at(&out, body, *pointers, only_first);
	return ah_buffer_text(&out);
}

static bool ah_holds(const ah_condition *c, ah_response response) {
	if (c->header != NULL) {
		ah_text value = ah_header(response, c->header);
		return (value.length > 0 && (c->equals == NULL || ah_equal_texts(value, ah_scalar(ah_text_of(c->equals))))) != c->negated;
	}
	ah_value part = ah_part(response.body, c->pointer);
	bool holds = part > 0;
	if (holds) {
		ah_json value = ah_read(part, 1 << 10);
		ah_text equals = ah_text_of(c->equals);
		if (value.data == NULL || c->equals == NULL)
			holds = c->equals == NULL && !ah_equal(value, "null") && !ah_equal(value, "false");
		else
			holds = ah_equal_texts(value, equals) ||
			        (ah_json_kind(value) == AH_STRING && ah_equal_texts(ah_json_text(value), ah_json_text(equals)));
	}
	return holds != c->negated;
}

/* ah_check makes an error of an answer that reports a failure, and returns whether it reports none. */
static bool ah_check(ah_call *call, ah_response response) {
	const ah_failures *f = call->connector->failures;
	bool failure = !ah_ok(response);
	for (const ah_condition *c = f == NULL ? NULL : f->conditions; c != NULL && !failure && (c->pointer != NULL || c->header != NULL); c++) failure = ah_holds(c, response);
	if (!failure) return true;
	if (f == NULL) {
		ah_fail(call, ah_status_error(call, response));
		return false;
	}
	const size_t longest = 255;
	ah_json body = ah_value_kind(response.body) == AH_OBJECT ? ah_read(response.body, 64 << 10) : ah_absent;
	ah_text code = ah_shorten(ah_texts(body, f->code, true), longest);
	int as = response.status;
	for (const ah_code *c = f->codes; c != NULL && c->code != NULL; c++) {
		if (!ah_equal(code, c->code)) continue;
		as = c->status;
		break;
	}
	ah_error e = ah_error_as(call, response, as);
	e.code = code;
	e.field = ah_shorten(ah_texts(body, f->field, true), longest);
	e.request_id = ah_shorten(ah_texts(body, f->request_id, true), longest);
	ah_text message = ah_texts(body, f->message, false);
	if (message.length == 0) message = code;
	if (message.length > 0)
		e.message = ah_join(ah_text_of(call->connector->title), ": ", ah_shorten(message, 1000), "");
	else if (ah_ok(response))
		e.message = ah_join(ah_text_of(call->connector->title), " answered with neither a result nor an error", ah_absent, "");
	ah_fail(call, e);
	return false;
}

/* ---- Requests ---- */

ah_json ah_param_of(ah_call *call, const char *name) {
	for (size_t i = 0; i < call->field_count; i++)
		if (call->fields[i].given && ah_equal(ah_text_of(call->fields[i].name), name)) return call->fields[i].value;
	return ah_absent;
}

static ah_field_value *ah_field_of(ah_call *call, const char *name) {
	for (size_t i = 0; i < call->field_count; i++)
		if (ah_equal(ah_text_of(call->fields[i].name), name)) return &call->fields[i];
	return NULL;
}

void ah_add_path(ah_request *r, const char *name, ah_text value) {
	ah_put_key(&r->path_params, name);
	ah_put_string(&r->path_params, value);
}

static void ah_add_pair(ah_buffer *b, ah_text name, ah_text value) {
	ah_put_comma(b);
	ah_put_char(b, '[');
	ah_put_string(b, name);
	ah_put_char(b, ',');
	ah_put_string(b, value);
	ah_put_char(b, ']');
}

void ah_add_query(ah_request *r, const char *name, ah_text value) { ah_add_pair(&r->query, ah_text_of(name), value); }
void ah_add_header(ah_request *r, const char *name, ah_text value) { ah_add_pair(&r->headers, ah_text_of(name), value); }

/* ah_joined is a value as one text; commas join the elements of an array. */
static ah_text ah_joined(ah_json value) {
	if (ah_json_kind(value) != AH_ARRAY) return ah_scalar(value);
	ah_buffer all = {NULL, 0, 0};
	for (ah_walk w = ah_walk_of(value); ah_next(&w, false);) {
		if (all.length > 0) ah_put_char(&all, ',');
		ah_put(&all, ah_scalar(w.value));
	}
	return ah_buffer_text(&all);
}

/* ah_add_value adds a value's parts to the query in their order. */
static void ah_add_value(ah_request *r, ah_text name, ah_json value, ah_style style) {
	ah_kind kind = ah_json_kind(value);
	if (kind == AH_NO_JSON) return;
	if (kind == AH_OBJECT) {
		for (ah_walk w = ah_walk_of(value); ah_next(&w, true);) ah_add_value(r, ah_join(name, "[", ah_json_text(w.name), "]"), w.value, style);
		return;
	}
	if (kind != AH_ARRAY || style == AH_COMMA) {
		ah_add_pair(&r->query, name, ah_joined(value));
		return;
	}
	int64_t i = 0;
	for (ah_walk w = ah_walk_of(value); ah_next(&w, false); i++) {
		ah_text of = name;
		if (style == AH_BRACKETS) of = ah_join(name, "[]", ah_absent, "");
		if (style == AH_INDICES) of = ah_join(name, "[", ah_text_of(ah_number(i)), "]");
		ah_add_value(r, of, w.value, style);
	}
}

ah_request ah_request_of(ah_call *call) {
	const ah_operation *op = call->operation;
	ah_request r = {0};
	ah_buffer body = {NULL, 0, 0};
	bool has_body = false;
	r.method = op->method;
	r.path = op->path;
	r.server = op->server;
	for (size_t i = 0; i < call->field_count; i++) has_body = has_body || call->fields[i].param->in == AH_BODY;
	const char *accept = op->accept != NULL ? op->accept : call->connector->accept;
	if (accept != NULL) ah_add_header(&r, "Accept", ah_text_of(accept));
	if (has_body) {
		ah_add_header(&r, "Content-Type", ah_text_of("application/json"));
		ah_put_char(&body, '{');
	}
	for (size_t i = 0; i < call->field_count; i++) {
		const ah_field_value *f = &call->fields[i];
		const char *name = ah_wire(f->param);
		if (f->value.data == NULL) continue;
		switch (f->param->in) {
		case AH_INPUT: break;
		case AH_PATH: ah_add_path(&r, name, ah_scalar(f->value)); break;
		case AH_QUERY: ah_add_value(&r, ah_text_of(name), f->value, f->param->style); break;
		case AH_HEADER: ah_add_header(&r, name, ah_joined(f->value)); break;
		case AH_BODY:
			ah_put_key(&body, name);
			ah_put(&body, f->value);
			break;
		}
	}
	if (has_body) {
		ah_put_char(&body, '}');
		r.body = ah_buffer_text(&body);
	}
	return r;
}

ah_response ah_send(ah_call *call, const ah_request *r) {
	(void)call;
	ah_response response = {0, 0};
	if (ah_state.fault) return response;
	ah_buffer b = {NULL, 0, 0};
	ah_put_char(&b, '{');
	ah_member(&b, "server", r->server);
	ah_member(&b, "method", r->method);
	ah_member(&b, "path", r->path);
	if (r->path_params.length > 0) {
		ah_put_key(&b, "path_params");
		ah_put_char(&b, '{');
		ah_put(&b, ah_buffer_text(&r->path_params));
		ah_put_char(&b, '}');
	}
	if (r->query.length > 0) {
		ah_put_key(&b, "query");
		ah_put_char(&b, '[');
		ah_put(&b, ah_buffer_text(&r->query));
		ah_put_char(&b, ']');
	}
	if (r->headers.length > 0) {
		ah_put_key(&b, "headers");
		ah_put_char(&b, '[');
		ah_put(&b, ah_buffer_text(&r->headers));
		ah_put_char(&b, ']');
	}
	ah_put_char(&b, '}');
	int32_t handle = ah_host_http_send(b.data, (uint32_t)b.length, r->body.data, (uint32_t)r->body.length);
	if (ah_bad(handle)) return response;
	int32_t status = ah_host_http_status(handle);
	if (ah_bad(status)) return response;
	response.status = status;
	response.body = handle;
	return response;
}

bool ah_do(ah_call *call, const ah_request *request, ah_response *response) {
	*response = ah_send(call, request);
	return response->body > 0 && ah_check(call, *response);
}

ah_text ah_header(ah_response response, const char *name) {
	if (!ah_ready(response.body)) return ah_absent;
	int32_t handle = ah_host_http_header(response.body, name, (uint32_t)ah_strlen(name));
	return ah_bad(handle) ? ah_absent : ah_read(handle, 64 << 10);
}

/* ---- Results ---- */

/* ah_next_cursor is the cursor of the next page as JSON, absent on the last one. */
static ah_json ah_next_cursor(ah_call *call, ah_response response);

static ah_json ah_string_of(ah_text text) {
	ah_buffer b = {NULL, 0, 0};
	ah_put_string(&b, text);
	return ah_buffer_text(&b);
}

/* ah_counted is the next cursor where it is an offset or the number of a page. */
static ah_json ah_counted(ah_call *call, ah_response response, ah_json more) {
	const ah_page *p = call->operation->page;
	const ah_field_value *cursor = ah_field_of(call, "cursor"), *length = ah_field_of(call, "limit");
	int64_t at = p->first, limit = 0, n = 0, total, pages;
	if (!ah_integer(ah_scalar(cursor->value), &at)) at = p->first;
	if (!p->no_limit) ah_json_integer(length->value, &limit);
	ah_value records = ah_part(response.body, call->operation->data);
	if (ah_value_kind(records) == AH_ARRAY) n = (int64_t)ah_count(records);
	int64_t next = at + 1, before = (at - p->first) * limit + n;
	if (p->by == AH_BY_OFFSET) {
		next = at + n;
		before = at - p->first + n;
	} else if (limit == 0) {
		before = (at - p->first + 1) * n;
	}
	bool goes_on = n > 0 && n >= limit;
	if (p->total != NULL && ah_json_integer(ah_read(ah_part(response.body, p->total), ah_longest), &total)) goes_on = n > 0 && before < total;
	if (p->pages != NULL && p->by == AH_BY_PAGE && ah_json_integer(ah_read(ah_part(response.body, p->pages), ah_longest), &pages)) goes_on = n > 0 && next - p->first < pages;
	if (more.length > 0 && !ah_equal(more, "null")) goes_on = ah_equal(more, "true");
	call->lost = goes_on && next <= at;
	if (!goes_on || call->lost) return ah_absent;
	return ah_string_of(ah_text_of(ah_number(next)));
}

static ah_json ah_more(ah_call *call, ah_response response) {
	const char *pointer = call->operation->page->more;
	return pointer == NULL ? ah_absent : ah_read(ah_part(response.body, pointer), ah_longest);
}

static ah_json ah_next_cursor(ah_call *call, ah_response response) {
	const ah_page *p = call->operation->page;
	ah_json more = ah_more(call, response);
	bool has_more = ah_equal(more, "true");
	int64_t number;
	call->lost = false;
	if (ah_counts(p)) return ah_counted(call, response, more);
	if (p->header != NULL) {
		ah_text cursor = ah_trim(ah_header(response, p->header));
		call->lost = has_more && cursor.length == 0;
		return cursor.length > 0 ? ah_string_of(cursor) : ah_absent;
	}
	if (ah_equal(more, "false")) return ah_absent;
	if (p->cursor == NULL) { /* the connector has cursors of its own */
		call->lost = has_more;
		return ah_absent;
	}
	ah_json cursor = ah_read(ah_part(response.body, p->cursor), ah_longest);
	switch (ah_json_kind(cursor)) {
	case AH_STRING:
		if (cursor.length > 2) return cursor;
		break;
	case AH_NUMBER:
		if (ah_json_integer(cursor, &number) && number > 0) return ah_string_of(cursor);
		break;
	case AH_ARRAY: case AH_OBJECT:
		call->lost = true;
		break;
	default: break;
	}
	call->lost = call->lost || has_more;
	return ah_absent;
}

void ah_meta_value(ah_call *call, const char *name, ah_value value) {
	ah_result *r = &call->result;
	if (value <= 0) return;
	if (r->part_count == sizeof r->parts / sizeof r->parts[0]) {
		ah_error e = {0};
		e.kind = "connector_fault";
		e.message = ah_text_of("meta has more than 32 values of the host");
		ah_fail(call, e);
		return;
	}
	ah_put_key(&r->meta, name);
	r->parts[r->part_count].at = r->meta.length;
	r->parts[r->part_count++].value = value;
}

static ah_text ah_not_json(ah_response response) {
	const char *what = ah_length(response.body) == 0 ? "an empty body" : "something other than JSON";
	ah_text type = ah_header(response, "Content-Type");
	if (type.length == 0) return ah_join(ah_text_of(what), ", and no content type", ah_absent, "");
	return ah_join(ah_text_of(what), ", of the content type ", ah_shorten(type, 100), "");
}

static void ah_unexpected(ah_call *call, ah_response response, const char *what, ah_text with, const char *end) {
	ah_error e = ah_status_error(call, response);
	e.kind = "vendor_error";
	e.message = ah_join(ah_join(ah_text_of(call->connector->title), " answered ", ah_text_of(what), ""), "", with, end);
	e.hint = ah_absent;
	ah_fail(call, e);
}

/* ah_respond_data sets the result's data, and returns the value that has its meta. */
static ah_value ah_respond_data(ah_call *call, ah_response response) {
	const ah_operation *op = call->operation;
	ah_result *r = &call->result;
	bool list = op->list || op->page != NULL, reads = ah_equal(ah_text_of(op->effect), "read");
	ah_value data = ah_part(response.body, op->data);
	ah_kind kind = ah_value_kind(data);
	if (kind == (list ? AH_ARRAY : AH_OBJECT)) {
		r->data = data;
		return response.body;
	}
	ah_kind body = ah_value_kind(response.body);
	ah_value meta = body == AH_OBJECT || body == AH_ARRAY ? response.body : 0;
	if (meta == 0) kind = AH_NO_JSON;
	if (data == 0 && body != AH_NO_JSON && reads && !op->data_optional)
		ah_unexpected(call, response, "without ", ah_text_of(op->data), ", where its records should be");
	else if (list && meta > 0 && (kind == AH_NO_JSON || kind == AH_NULL))
		r->json = ah_text_of("[]");
	else if (list && body != AH_NO_JSON)
		ah_unexpected(call, response, "with something other than a list of records", ah_absent, "");
	else if (list || (reads && body == AH_NO_JSON && (ah_length(response.body) > 0 || (response.status == 200 && ah_header(response, "Content-Type").length > 0))))
		ah_unexpected(call, response, "with ", ah_not_json(response), "");
	else if (kind == AH_NO_JSON || kind == AH_NULL)
		r->json = ah_text_of("{}");
	else { /* the vendor succeeded; an odd answer must not turn that into an error */
		r->data = data;
		r->wrap = "value";
	}
	return meta;
}

static void ah_respond_with(ah_call *call, ah_response response, ah_json next) {
	const ah_page *page = call->operation->page;
	ah_buffer *meta = &call->result.meta;
	ah_value body = ah_respond_data(call, response);
	const char *more = next.data != NULL || call->lost ? "true" : "false";
	for (const ah_meta *m = call->operation->meta; m != NULL && m->name != NULL; m++) {
		bool uniform = ah_equal(ah_text_of(m->name), "next_cursor") || ah_equal(ah_text_of(m->name), "has_more");
		if (m->header != NULL) {
			ah_text value = ah_header(response, m->header);
			if (value.length > 0 && !uniform) ah_member_text(meta, m->name, value);
		} else if (page != NULL && page->more != NULL && ah_equal(ah_text_of(m->pointer), page->more)) {
			ah_member_json(meta, m->name, more);
		} else if (page != NULL && page->cursor != NULL && ah_equal(ah_text_of(m->pointer), page->cursor)) {
			ah_put_key(meta, m->name);
			ah_put(meta, next.data != NULL ? next : ah_text_of("null"));
		} else if (!uniform) {
			ah_meta_value(call, m->name, ah_part(body, m->pointer));
		}
	}
	if (page != NULL) {
		ah_put_key(meta, "next_cursor");
		ah_put(meta, next.data != NULL ? next : ah_text_of("null"));
		ah_member_json(meta, "has_more", more);
	}
}

void ah_respond(ah_call *call, ah_response response) {
	ah_respond_with(call, response, call->operation->page == NULL ? ah_absent : ah_next_cursor(call, response));
}

void ah_respond_page(ah_call *call, ah_response response, ah_text next) {
	if (next.length == 0 && call->operation->page != NULL && ah_equal(ah_more(call, response), "true")) call->lost = true;
	ah_respond_with(call, response, next.length == 0 || call->lost ? ah_absent : ah_string_of(next));
}

void ah_run(ah_call *call) {
	ah_request request = ah_request_of(call);
	ah_response response;
	if (ah_do(call, &request, &response)) ah_respond(call, response);
}

/* ---- Execution ---- */

/* ah_unalias gives a parameter of pagination that the caller gave under the vendor's name its uniform name. */
static void ah_unalias(ah_call *call, const char *vendor, const char *uniform) {
	ah_field_value *alias = vendor == NULL || ah_equal(ah_text_of(vendor), uniform) ? NULL : ah_field_of(call, vendor);
	if (alias == NULL || !alias->given) return;
	ah_field_value *same = ah_field_of(call, uniform);
	if (same->given && !ah_equal_texts(same->value, alias->value) &&
	    (ah_json_kind(alias->value) != AH_STRING || !ah_equal_texts(ah_json_text(alias->value), ah_json_text(same->value)))) {
		ah_invalid_param(call, vendor, ah_join(ah_join(ah_text_of(vendor), " and ", ah_text_of(uniform), ""), " are two names of one parameter, and they differ", ah_absent, ""), "give one of them");
		return;
	}
	same->value = alias->value;
	same->given = true;
}

static void ah_paginate(ah_call *call) {
	const ah_page *page = call->operation->page;
	ah_unalias(call, page->cursor_name, "cursor");
	ah_unalias(call, page->limit_name, "limit");
	ah_field_value *cursor = ah_field_of(call, "cursor");
	if (page->in != AH_BODY || !ah_counts(page) || !cursor->given) return;
	int64_t number;
	cursor->value = ah_scalar(cursor->value);
	if (!ah_integer(cursor->value, &number) || number < 0)
		ah_invalid_param(call, "cursor", ah_text_of("the cursor is not a number"), "pass next_cursor of the page before");
}

static void ah_open(ah_call *call) {
	size_t count;
	const ah_param *params = ah_params_of(call->operation, &count);
	call->fields = (ah_field_value *)ah_alloc((count + 1) * sizeof(ah_field_value));
	call->field_count = count;
	for (size_t i = 0; i < count; i++) {
		ah_field_value *f = &call->fields[i];
		f->param = &params[i];
		f->name = params[i].constant == NULL ? params[i].name : NULL;
		f->given = false;
		f->value = ah_text_of(params[i].constant != NULL ? params[i].constant : params[i].otherwise);
	}
	for (ah_walk w = ah_walk_of(call->params); ah_next(&w, true);) {
		for (size_t i = 0; i < count; i++) {
			ah_field_value *f = &call->fields[i];
			if (f->name == NULL || !ah_named(w.name, ah_text_of(f->name))) continue;
			f->value = w.value;
			f->given = true;
		}
	}
	if (call->operation->page != NULL) ah_paginate(call);
}

static int32_t ah_flush_error(const ah_error *e) {
	ah_buffer b = {NULL, 0, 0};
	ah_puts(&b, "{\"error\":{");
	ah_member(&b, "kind", e->kind);
	ah_put_key(&b, "message");
	ah_put_string(&b, e->message);
	ah_member_text(&b, "hint", e->hint);
	ah_member_text(&b, "field", e->field);
	ah_member_json(&b, "retryable", e->retryable ? "true" : "false");
	if (e->retry_after_ms != 0) ah_member_json(&b, "retry_after_ms", ah_number(e->retry_after_ms));
	ah_member_json(&b, "request_sent", "false");
	if (e->status != 0) ah_member_json(&b, "status", ah_number(e->status));
	ah_member_text(&b, "code", e->code);
	ah_member_text(&b, "request_id", e->request_id);
	ah_puts(&b, "}}");
	return ah_write(&b);
}

static bool ah_put_out(ah_text text) { return text.length == 0 || ah_host_output_write(text.data, (uint32_t)text.length) >= 0; }

static int32_t ah_flush(ah_call *call) {
	ah_result *r = &call->result;
	bool done = ah_put_out(ah_text_of("{\"data\":"));
	if (r->wrap != NULL) done = done && ah_put_out(ah_join(ah_text_of("{\""), r->wrap, ah_text_of("\":"), ""));
	if (r->data > 0)
		done = done && ah_host_output_part(r->data) >= 0;
	else
		done = done && ah_put_out(r->json.data != NULL ? r->json : ah_text_of("{}"));
	if (r->wrap != NULL) done = done && ah_put_out(ah_text_of("}"));
	done = done && ah_put_out(ah_text_of(",\"meta\":{"));
	size_t at = 0;
	for (size_t i = 0; i < r->part_count; at = r->parts[i++].at)
		done = done && ah_put_out(ah_slice(r->meta.data + at, r->parts[i].at - at)) && ah_host_output_part(r->parts[i].value) >= 0;
	done = done && ah_put_out(ah_slice(r->meta.data + at, r->meta.length - at)) && ah_put_out(ah_text_of("}}"));
	return !done;
}

int32_t ah_execute(const ah_connector *c) {
	ah_reset();
	const ah_value input = 1;
	ah_json in = ah_read(input, SIZE_MAX);
	static ah_call call;
	static const ah_call none;
	call = none;
	call.connector = c;
	ah_text entity = ah_absent, action = ah_absent;
	for (ah_walk w = ah_walk_of(in); ah_next(&w, true);) { /* one pass, as the input may be long */
		if (ah_named(w.name, ah_slice("entity", 6)))
			entity = ah_json_text(w.value);
		else if (ah_named(w.name, ah_slice("action", 6)))
			action = ah_json_text(w.value);
		else if (ah_named(w.name, ah_slice("params", 6)))
			call.params = w.value;
	}
	for (const ah_operation *op = c->operations; op != NULL && op->entity != NULL; op++)
		if (ah_equal(entity, op->entity) && ah_equal(action, op->action)) call.operation = op;
	if (call.operation == NULL) {
		ah_error e = {0};
		e.kind = "unknown_operation";
		e.message = ah_join(ah_join(ah_text_of("connector "), c->name, ah_text_of(" has no operation "), ""), "", ah_join(entity, ".", action, ""), "");
		ah_fail(&call, e);
	} else if (!ah_state.fault) {
		ah_open(&call);
		if (!call.failed) (call.operation->handle != NULL ? call.operation->handle : ah_run)(&call);
	}
	if (ah_state.fault)
		return !(ah_put_out(ah_text_of("{\"error\":")) && ah_host_output_part(ah_host_error()) >= 0 && ah_put_out(ah_text_of("}")));
	return call.failed ? ah_flush_error(&call.error) : ah_flush(&call);
}

#endif /* AGENTHOST_IMPLEMENTATION */
