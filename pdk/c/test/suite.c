/*
 * Holds a connector against a suite, natively:
 *
 *     cc -std=c99 -I. -I.. -DCONNECTOR='"bookshelf.c"' -o suite suite.c && ./suite suite.json
 */
#include CONNECTOR
#include "host.h"

static ah_text read_file(const char *name) {
	static char data[1 << 20];
	FILE *file = fopen(name, "rb");
	size_t n = file == NULL ? 0 : fread(data, 1, sizeof data, file);
	if (n == 0) printf("cannot read %s\n", name), exit(1);
	fclose(file);
	return ah_slice(data, n);
}

static ah_text text_at(ah_json json, const char *pointer) { return test_copy(ah_json_text(test_part(json, pointer))); }

static test_answer answer_of(ah_json json) {
	test_answer a = {0, test_part(json, "/headers"), text_at(json, "/body"), test_part(json, "/error")};
	int64_t status = 0;
	ah_json_integer(test_part(json, "/status"), &status);
	a.status = (int)status;
	return a;
}

static void run_case(ah_json c) {
	test_answer answers[16];
	size_t count = 0, i = 0;
	const char *name = text_at(c, "/name").data;
	for (ah_walk w = ah_walk_of(test_part(c, "/answers")); ah_next(&w, false);) answers[count++] = answer_of(w.value);
	test_start(text_at(c, "/input"), answers, count);
	if (execute() != 0) printf("%s: execute failed\n", name), test_failed++;
	for (ah_walk w = ah_walk_of(test_part(c, "/requests")); ah_next(&w, false); i++) {
		test_check(name, i < test.request_count ? test.requests[i] : ah_absent, text_at(w.value, "/request"));
		test_check(name, i < test.request_count ? test.bodies[i] : ah_absent, text_at(w.value, "/body"));
	}
	if (i != test.request_count) printf("%s: %zu requests in place of %zu\n", name, test.request_count, i), test_failed++;
	ah_json error = test_part(c, "/error");
	if (error.data == NULL) {
		test_check(name, test_part(test_output(), "/data"), text_at(c, "/data"));
		test_check(name, test_part(test_output(), "/meta"), text_at(c, "/meta"));
		return;
	}
	for (ah_walk w = ah_walk_of(error); ah_next(&w, true);)
		test_check(name, ah_json_member_of(test_part(test_output(), "/error"), ah_json_text(w.name)), w.value);
}

int main(int argc, char **argv) {
	ah_json suite = read_file(argc > 1 ? argv[1] : "suite.json");
	test_start(ah_text_of("{}"), NULL, 0);
	describe();
	test_check("describe", test_output(), text_at(suite, "/describe"));
	test_start(ah_text_of("{}"), NULL, 0);
	auth_schema();
	test_check("auth_schema", test_output(), text_at(suite, "/auth_schema"));
	for (ah_walk w = ah_walk_of(test_part(suite, "/cases")); ah_next(&w, false);) run_case(w.value);
	return test_end();
}
