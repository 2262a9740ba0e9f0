/*
 * A host for native tests of connectors in C. Include it after agenthost.h with its implementation.
 * It does not know the rules of the host for requests: agenthost plugin test does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* test_answer is what the vendor answers. With an error, as JSON, the request fails. */
typedef struct test_answer {
	int status;
	ah_json headers; /* an object of texts */
	ah_text body;
	ah_text error;
} test_answer;

typedef struct test_value {
	ah_text bytes;
	int status;
	ah_json headers;
} test_value;

static struct {
	test_value values[4096];
	int32_t count, last_error;
	test_answer answers[16];
	size_t answer_count, answered;
	ah_text requests[16], bodies[16];
	size_t request_count;
	char output[1 << 20];
	size_t output_length;
} test;

/* test_copy is a copy that outlives a call. */
static ah_text test_copy(ah_text t) {
	char *data = (char *)malloc(t.length + 1);
	if (t.length > 0) memcpy(data, t.data, t.length);
	data[t.length] = 0;
	return ah_slice(data, t.length);
}

static int32_t test_keep(ah_text bytes, int status, ah_json headers) {
	test_value v = {test_copy(bytes), status, headers};
	test.values[test.count] = v;
	return ++test.count;
}

/* test_start prepares a call with an input. */
static void test_start(ah_text input, const test_answer *answers, size_t count) {
	test.count = test.last_error = 0;
	test.answered = test.request_count = test.output_length = 0;
	test.answer_count = count;
	for (size_t i = 0; i < count; i++) test.answers[i] = answers[i];
	test_keep(input, 0, ah_absent);
}

static ah_text test_output(void) { return ah_slice(test.output, test.output_length); }

/* test_find is the part of a JSON text at a JSON Pointer. */
static ah_json test_find(ah_json json, const char *pointer, size_t length) {
	size_t at = 0;
	while (at < length && json.data != NULL) {
		char segment[256];
		size_t n = 0;
		for (at++; at < length && pointer[at] != '/' && n < sizeof segment; at++) {
			char c = pointer[at];
			if (c == '~') c = pointer[++at] == '1' ? '/' : '~';
			segment[n++] = c;
		}
		if (ah_json_kind(json) == AH_OBJECT) {
			json = ah_json_member_of(json, ah_slice(segment, n));
			continue;
		}
		uint64_t index = 0, wanted;
		ah_json found = ah_absent;
		if (!ah_digits(ah_slice(segment, n), UINT32_MAX, &wanted)) return found;
		for (ah_walk w = ah_walk_of(json); ah_next(&w, false); index++)
			if (index == wanted) found = w.value;
		json = found;
	}
	return json;
}

static ah_json test_part(ah_json json, const char *pointer) { return test_find(json, pointer, strlen(pointer)); }

/* test_value_end is the end of one JSON value, NULL if there is none. It does not look into numbers and escapes. */
static const char *test_value_end(const char *p, const char *end) {
	p = ah_space(p, end);
	if (p >= end) return NULL;
	if (*p == '"') {
		for (p++; p < end && *p != '"'; p++)
			if (*p == '\\') p++;
		return p < end ? ah_space(p + 1, end) : NULL;
	}
	if (*p == '{' || *p == '[') {
		char open = *p, close = (char)(open + 2);
		p = ah_space(p + 1, end);
		if (p < end && *p == close) return ah_space(p + 1, end);
		for (;;) {
			if (open == '{') {
				if (p >= end || *p != '"') return NULL;
				p = test_value_end(p, end);
				if (p == NULL || p >= end || *p != ':') return NULL;
				p++;
			}
			p = test_value_end(p, end);
			if (p == NULL || p >= end) return NULL;
			if (*p == close) return ah_space(p + 1, end);
			if (*p != ',') return NULL;
			p = ah_space(p + 1, end);
		}
	}
	if (*p == '-' || (*p >= '0' && *p <= '9')) {
		while (p < end && ((*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == '.' || *p == 'e' || *p == 'E')) p++;
		return ah_space(p, end);
	}
	static const char *const words[] = {"null", "true", "false"};
	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);
		if ((size_t)(end - p) >= n && memcmp(p, words[i], n) == 0) return ah_space(p + n, end);
	}
	return NULL;
}

static bool test_valid(ah_text t) { return t.data != NULL && test_value_end(t.data, t.data + t.length) == t.data + t.length; }

static ah_text test_bytes(int32_t handle) { return test.values[handle - 1].bytes; }

int32_t ah_host_value_length(int32_t handle) { return (int32_t)test_bytes(handle).length; }

int32_t ah_host_value_read(int32_t handle, uint32_t offset, void *to, uint32_t length) {
	ah_text t = test_bytes(handle);
	uint32_t left = (uint32_t)t.length - offset, n = length < left ? length : left;
	memcpy(to, t.data + offset, n);
	return (int32_t)n;
}

int32_t ah_host_value_kind(int32_t handle) { return test_valid(test_bytes(handle)) ? (int32_t)ah_json_kind(test_bytes(handle)) : 0; }

int32_t ah_host_value_count(int32_t handle) {
	int32_t n = 0;
	bool object = ah_json_kind(test_bytes(handle)) == AH_OBJECT;
	for (ah_walk w = ah_walk_of(test_bytes(handle)); ah_next(&w, object);) n++;
	return n;
}

int32_t ah_host_value_part(int32_t handle, const void *pointer, uint32_t length) {
	ah_json found = test_valid(test_bytes(handle)) ? test_find(test_bytes(handle), (const char *)pointer, length) : ah_absent;
	return found.data == NULL ? 0 : test_keep(found, 0, ah_absent);
}

int32_t ah_host_value_drop(int32_t handle) { return (void)handle, 0; }

static int32_t test_fail(ah_text error) {
	test.last_error = test_keep(error, 0, ah_absent);
	return -1;
}

int32_t ah_host_http_send(const void *request, uint32_t length, const void *body, uint32_t body_length) {
	test.requests[test.request_count] = test_copy(ah_slice((const char *)request, length));
	test.bodies[test.request_count++] = test_copy(ah_slice((const char *)body, body_length));
	if (test.answered == test.answer_count)
		return test_fail(ah_text_of("{\"kind\":\"denied\",\"message\":\"the test has no answer to this request\"}"));
	const test_answer *a = &test.answers[test.answered++];
	return a->error.data != NULL ? test_fail(a->error) : test_keep(a->body, a->status, a->headers);
}

int32_t ah_host_http_status(int32_t handle) { return test.values[handle - 1].status; }

int32_t ah_host_http_header(int32_t handle, const void *name, uint32_t length) {
	for (ah_walk w = ah_walk_of(test.values[handle - 1].headers); ah_next(&w, true);) {
		ah_text n = ah_json_text(w.name);
		bool same = n.length == length;
		for (size_t i = 0; same && i < length; i++) same = ah_lower(n.data[i]) == ah_lower(((const char *)name)[i]);
		if (same) return test_keep(ah_json_text(w.value), 0, ah_absent);
	}
	return 0;
}

int32_t ah_host_output_write(const void *bytes, uint32_t length) {
	if (length > 0) memcpy(test.output + test.output_length, bytes, length);
	test.output_length += length;
	return 0;
}

int32_t ah_host_output_part(int32_t handle) {
	ah_text t = test_bytes(handle);
	const char *start = ah_space(t.data, t.data + t.length), *end = t.data + t.length;
	while (end > start && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t' || end[-1] == '\r')) end--;
	return ah_host_output_write(start, (uint32_t)(end - start));
}

int32_t ah_host_sleep(int32_t milliseconds) { return (void)milliseconds, 0; }

int32_t ah_host_log(int32_t level, const void *text, uint32_t length) {
	fprintf(stderr, "%d %.*s\n", level, (int)length, (const char *)text);
	return 0;
}

int32_t ah_host_error(void) { return test.last_error; }

static int test_passed, test_failed;

/* test_check counts what is right and what is not, and prints that. */
static void test_check(const char *what, ah_text got, ah_text want) {
	if (ah_equal_texts(got, want)) {
		test_passed++;
		return;
	}
	test_failed++;
	printf("%s:\n got  %.*s\n want %.*s\n", what, (int)got.length, got.data == NULL ? "" : got.data, (int)want.length, want.data == NULL ? "" : want.data);
}

static int test_end(void) {
	printf("%d passed, %d failed\n", test_passed, test_failed);
	return test_failed > 0;
}
