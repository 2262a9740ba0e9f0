//! The connector of a small vendor, a library of books, in Zig, with the kit for C. kit.c has the code of
//! its header:
//!
//!     agenthost plugin build

const std = @import("std");
const kit = @cImport(@cInclude("agenthost.h"));

const origin = "https://api.bookshelf.example";

/// list is rows with the empty one that ends a list of the kit.
fn list(comptime T: type, comptime rows: []const T) *const [rows.len + 1]T {
    const ended = rows ++ [1]T{std.mem.zeroes(T)};
    return ended[0 .. rows.len + 1];
}

/// texts is a list of texts.
fn texts(comptime rows: []const [*c]const u8) *const [rows.len + 1][*c]const u8 {
    return list([*c]const u8, rows);
}

/// row is a structure of the kit with the fields that are not given all zero.
fn row(comptime T: type, comptime given: anytype) T {
    var made = std.mem.zeroes(T);
    for (std.meta.fields(@TypeOf(given))) |field| @field(made, field.name) = @field(given, field.name);
    return made;
}

fn schema(comptime given: anytype) kit.ah_schema {
    return row(kit.ah_schema, given);
}

fn param(comptime given: anytype) kit.ah_param {
    return row(kit.ah_param, given);
}

const tag = schema(.{ .type = "string", .max = "50" });

const operations = list(kit.ah_operation, &.{
    row(kit.ah_operation, .{
        .entity = "books",
        .action = "list",
        .title = "List books",
        .effect = "read",
        .description = "Books, newest first.",
        .method = "GET",
        .path = "/books",
        .params = list(kit.ah_param, &.{
            param(.{ .name = "genre", .in = kit.AH_QUERY, .schema = schema(.{ .type = "string", .description = "Only books of this genre.", .choices = texts(&.{ "novel", "poetry", "science" }) }) }),
            param(.{ .name = "tags", .as = "tag", .in = kit.AH_QUERY, .schema = schema(.{ .type = "array", .description = "Only books with all of these tags.", .max = "10", .items = &tag }) }),
        }),
        .data = "/books",
        .meta = list(kit.ah_meta, &.{row(kit.ah_meta, .{ .name = "total", .pointer = "/total" })}),
        .page = &row(kit.ah_page, .{ .in = kit.AH_QUERY, .cursor = "/next", .cursor_name = "after", .limit_name = "size", .max_limit = 100 }),
        .examples = texts(&.{"{\"genre\":\"novel\",\"limit\":2}"}),
    }),
    row(kit.ah_operation, .{
        .entity = "books",
        .action = "get",
        .title = "Get a book",
        .effect = "read",
        .description = "One book by its id.",
        .method = "GET",
        .path = "/books/{id}",
        .params = list(kit.ah_param, &.{
            param(.{ .name = "id", .in = kit.AH_PATH, .schema = schema(.{ .type = "string", .description = "Id of the book.", .min = "1", .max = "100" }) }),
        }),
        .data = "/book",
        .examples = texts(&.{"{\"id\":\"b1\"}"}),
    }),
    row(kit.ah_operation, .{
        .entity = "books",
        .action = "create",
        .title = "Add a book",
        .effect = "write",
        .description = "Adds a book to the library.",
        .permission = "books:write",
        .method = "POST",
        .path = "/books",
        .params = list(kit.ah_param, &.{
            param(.{ .name = "title", .in = kit.AH_BODY, .required = true, .schema = schema(.{ .type = "string", .description = "Title of the book.", .min = "1", .max = "500" }) }),
            param(.{ .name = "author", .as = "author_name", .in = kit.AH_BODY, .schema = schema(.{ .type = "string", .description = "Who wrote it.", .max = "200" }) }),
            param(.{ .name = "pages", .in = kit.AH_BODY, .schema = schema(.{ .type = "integer", .description = "How many pages it has.", .min = "1", .max = "100000" }) }),
            param(.{ .name = "source", .in = kit.AH_BODY, .constant = "\"agenthost\"" }),
        }),
        .data = "/book",
        .examples = texts(&.{"{\"title\":\"Middlemarch\",\"author\":\"George Eliot\",\"pages\":880}"}),
    }),
});

const connector = row(kit.ah_connector, .{
    .name = "bookshelf",
    .title = "Bookshelf",
    .version = "1.0.0",
    .description = "Books of a library that exists only in this example.",
    .servers = list(kit.ah_server, &.{row(kit.ah_server, .{ .id = "main", .url = origin ++ "/v1" })}),
    .auth = list(kit.ah_scheme, &.{row(kit.ah_scheme, .{
        .id = "token",
        .type = "bearer",
        .fields = list(kit.ah_field, &.{row(kit.ah_field, .{ .name = "api_token", .title = "API token", .secret = true, .required = true })}),
        .inject = list(kit.ah_injection, &.{row(kit.ah_injection, .{ .in = "header", .name = "Authorization", .value = "Bearer {api_token}" })}),
        .origins = texts(&.{origin}),
    })}),
    .check_entity = "books",
    .check_action = "list",
    .failures = &row(kit.ah_failures, .{
        .conditions = list(kit.ah_condition, &.{row(kit.ah_condition, .{ .pointer = "/error" })}),
        .message = texts(&.{ "/error/message", "/errors/*/message" }),
        .code = texts(&.{"/error/code"}),
        .request_id = texts(&.{"/request_id"}),
        .codes = list(kit.ah_code, &.{row(kit.ah_code, .{ .code = "checked_out", .status = 409 })}),
    }),
    .operations = operations,
});

export fn describe() i32 {
    return kit.ah_describe(&connector);
}

export fn auth_schema() i32 {
    return kit.ah_auth_schema(&connector);
}

export fn execute() i32 {
    return kit.ah_execute(&connector);
}
