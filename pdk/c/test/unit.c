/*
 * Tests of the kit that a suite of one vendor does not reach:
 *
 *     cc -std=c99 -I.. -o unit unit.c && ./unit
 */
#define AGENTHOST_IMPLEMENTATION
#include "agenthost.h"
#include "host.h"

static ah_text json(const char *s) { return ah_text_of(s); }

static void test_json(void) {
	ah_json object = json(" {\"a\" : [1, \"x\\\"]\", {\"b\":null}] , \"a\\u0062\":-7, \"d\":\"\\ud83d\\ude00\\n\\u00e9\\ud800\"} ");
	int64_t n = 0;
	test_check("an escaped name", ah_json_member(object, "ab"), json("-7"));
	test_check("escapes", ah_json_text(ah_json_member(object, "d")), json("\xf0\x9f\x98\x80\n\xc3\xa9\xef\xbf\xbd"));
	test_check("no member", ah_json_member(object, "e"), ah_absent);
	ah_walk w = ah_walk_of(ah_json_member(object, "a"));
	const char *wanted[] = {"1", "\"x\\\"]\"", "{\"b\":null}"};
	for (int i = 0; i < 3; i++) test_check("an element", ah_next(&w, false) ? w.value : ah_absent, json(wanted[i]));
	test_check("the end", ah_next(&w, false) ? w.value : ah_absent, ah_absent);
	const char *numbers[] = {"9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.5", "-"};
	for (int i = 0; i < 5; i++) test_check(numbers[i], json(ah_json_integer(json(numbers[i]), &n) ? ah_number(n) : "no"), json(i < 2 ? numbers[i] : "no"));
	ah_buffer b = {NULL, 0, 0};
	ah_put_string(&b, ah_slice("\\\"\x01\t\xff\xc3\xa9", 7));
	test_check("a string", ah_buffer_text(&b), json("\"\\\\\\\"\\u0001\\t\xef\xbf\xbd\xc3\xa9\""));
}

static void test_times(void) {
	int64_t a = 0, b = 0;
	bool good = ah_seconds(json("Fri, 01 Mar 2024 00:00:00 GMT"), &a) && ah_seconds(json("Wed, 28 Feb 2024 00:00:00 GMT"), &b);
	test_check("a leap year", json(good && a - b == 2 * 86400 ? "yes" : "no"), json("yes"));
	test_check("no time", json(ah_seconds(json("Thu, 01 Foo 1970 00:01:00 GMT"), &a) ? "yes" : "no"), json("no"));
}

/* A vendor that counts, with the parameters in the body, and one that is answered by a function. */
static const ah_page by_offset = {.in = AH_BODY, .by = AH_BY_OFFSET, .cursor_name = "offset", .total = "/total", .default_limit = 2, .send_first = true};
static const ah_param filter[] = {
	{.name = "filter", .in = AH_QUERY, .style = AH_INDICES, .schema = {.type = "object"}},
	{.name = "trace", .as = "X-Trace", .in = AH_HEADER, .schema = {.type = "string"}},
	{0},
};

static void handle(ah_call *call) {
	ah_request r = ah_request_of(call);
	ah_response response;
	ah_add_query(&r, "include", json("owner"));
	if (ah_do(call, &r, &response)) ah_respond_page(call, response, json("mine"));
}

static const ah_operation operations[] = {
	{.entity = "a", .action = "list", .effect = "read", .method = "POST", .path = "/a", .page = &by_offset, .data = "/items"},
	{.entity = "b", .action = "list", .effect = "read", .method = "GET", .path = "/b", .params = filter, .page = &(const ah_page){.in = AH_QUERY}, .handle = handle},
	{0},
};
static const ah_connector connector = {.name = "unit", .title = "Unit", .operations = operations, .accept = "application/x+json"};

AH_EXPORT(connector)

static void test_call(const char *input, const char *body, const char *request, const char *request_body, const char *output) {
	test_answer answer = {200, {NULL, 0}, json(body), {NULL, 0}};
	test_start(json(input), &answer, 1);
	execute();
	test_check(input, test.requests[0], json(request));
	test_check(input, test.bodies[0], json(request_body));
	test_check(input, test_output(), json(output));
}

int main(void) {
	test_json();
	test_times();
	const char *head = "{\"method\":\"POST\",\"path\":\"/a\",\"headers\":[[\"Accept\",\"application/x+json\"],[\"Content-Type\",\"application/json\"]]}";
	test_call("{\"entity\":\"a\",\"action\":\"list\",\"params\":{}}", "{\"items\":[1,2],\"total\":3}", head, "{\"offset\":0,\"limit\":2}",
	          "{\"data\":[1,2],\"meta\":{\"next_cursor\":\"2\",\"has_more\":true}}");
	test_call("{\"entity\":\"a\",\"action\":\"list\",\"params\":{\"cursor\":\"2\"}}", "{\"items\":[3],\"total\":3}", head, "{\"offset\":2,\"limit\":2}",
	          "{\"data\":[3],\"meta\":{\"next_cursor\":null,\"has_more\":false}}");
	test_call("{\"entity\":\"b\",\"action\":\"list\",\"params\":{\"filter\":{\"x\":[1,\"y\"]},\"trace\":\"t\"}}", "[]",
	          "{\"method\":\"GET\",\"path\":\"/b\",\"query\":[[\"filter[x][0]\",\"1\"],[\"filter[x][1]\",\"y\"],[\"include\",\"owner\"]],\"headers\":[[\"Accept\",\"application/x+json\"],[\"X-Trace\",\"t\"]]}",
	          "", "{\"data\":[],\"meta\":{\"next_cursor\":\"mine\",\"has_more\":true}}");
	return test_end();
}
