/*
 * The connector of a small vendor, a library of books, in C:
 *
 *     agenthost plugin build
 */
#define AGENTHOST_IMPLEMENTATION
#include "agenthost.h"

#define ORIGIN "https://api.bookshelf.example"

static const char *const genres[] = {"novel", "poetry", "science", NULL};
static const ah_schema tag = {.type = "string", .max = "50"};

static const ah_param list_params[] = {
	{.name = "genre", .in = AH_QUERY, .schema = {.type = "string", .description = "Only books of this genre.", .choices = genres}},
	{.name = "tags", .as = "tag", .in = AH_QUERY, .schema = {.type = "array", .description = "Only books with all of these tags.", .max = "10", .items = &tag}},
	{0},
};
static const ah_meta list_meta[] = {{.name = "total", .pointer = "/total"}, {0}};
static const ah_page list_page = {.in = AH_QUERY, .cursor = "/next", .cursor_name = "after", .limit_name = "size", .max_limit = 100};
static const char *const list_examples[] = {"{\"genre\":\"novel\",\"limit\":2}", NULL};

static const ah_param get_params[] = {
	{.name = "id", .in = AH_PATH, .schema = {.type = "string", .description = "Id of the book.", .min = "1", .max = "100"}},
	{0},
};
static const char *const get_examples[] = {"{\"id\":\"b1\"}", NULL};

static const ah_param create_params[] = {
	{.name = "title", .in = AH_BODY, .required = true, .schema = {.type = "string", .description = "Title of the book.", .min = "1", .max = "500"}},
	{.name = "author", .as = "author_name", .in = AH_BODY, .schema = {.type = "string", .description = "Who wrote it.", .max = "200"}},
	{.name = "pages", .in = AH_BODY, .schema = {.type = "integer", .description = "How many pages it has.", .min = "1", .max = "100000"}},
	{.name = "source", .in = AH_BODY, .constant = "\"agenthost\""},
	{0},
};
static const char *const create_examples[] = {"{\"title\":\"Middlemarch\",\"author\":\"George Eliot\",\"pages\":880}", NULL};

static const ah_operation operations[] = {
	{
		.entity = "books", .action = "list", .title = "List books", .effect = "read",
		.description = "Books, newest first.",
		.method = "GET", .path = "/books", .params = list_params,
		.data = "/books", .meta = list_meta, .page = &list_page, .examples = list_examples,
	},
	{
		.entity = "books", .action = "get", .title = "Get a book", .effect = "read",
		.description = "One book by its id.",
		.method = "GET", .path = "/books/{id}", .params = get_params,
		.data = "/book", .examples = get_examples,
	},
	{
		.entity = "books", .action = "create", .title = "Add a book", .effect = "write",
		.description = "Adds a book to the library.", .permission = "books:write",
		.method = "POST", .path = "/books", .params = create_params,
		.data = "/book", .examples = create_examples,
	},
	{0},
};

static const ah_server servers[] = {{.id = "main", .url = ORIGIN "/v1"}, {0}};
static const ah_field fields[] = {{.name = "api_token", .title = "API token", .secret = true, .required = true}, {0}};
static const ah_injection inject[] = {{.in = "header", .name = "Authorization", .value = "Bearer {api_token}"}, {0}};
static const char *const origins[] = {ORIGIN, NULL};
static const ah_scheme auth[] = {{.id = "token", .type = "bearer", .fields = fields, .inject = inject, .origins = origins}, {0}};

static const ah_condition conditions[] = {{.pointer = "/error"}, {0}};
static const char *const message[] = {"/error/message", "/errors/*/message", NULL};
static const char *const code[] = {"/error/code", NULL};
static const char *const request_id[] = {"/request_id", NULL};
static const ah_code codes[] = {{"checked_out", 409}, {0}};
static const ah_failures failures = {.conditions = conditions, .message = message, .code = code, .request_id = request_id, .codes = codes};

static const ah_connector connector = {
	.name = "bookshelf", .title = "Bookshelf", .version = "1.0.0",
	.description = "Books of a library that exists only in this example.",
	.servers = servers, .auth = auth,
	.check_entity = "books", .check_action = "list",
	.operations = operations, .failures = &failures,
};

AH_EXPORT(connector)
