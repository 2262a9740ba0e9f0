// Runs the official conformance suites and a client on the TypeScript SDK against
// agenthost. Usage: node run.mjs AGENTHOST PLUGINS CONNECTORS
//
// The suites call tools of a test server, such as test_simple_text. Those are operations of
// the connectors in CONNECTORS, and what a vendor has to do for them is done here.
//
// The suites send no bearer token, and agenthost serves nobody without one. So they talk
// to a forwarder here that adds the token and changes nothing else. They run twice: against
// agenthost mcp, and against agenthost serve with the token of a workspace.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join, resolve as absolute } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [agenthost, vendors, connectors] = process.argv.slice(2).map((path) => absolute(path));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const home = mkdtempSync(join(tmpdir(), "agenthost-mcp-"));
const token = randomBytes(32).toString("hex");
const config = join(home, "agenthost.yaml");
const plugins = join(home, "plugins");
const extra = join(plugins, "extra.wasm");

// The vendor of the connector conformance.
const vendor = http.createServer((req, res) => {
  const answer = (status, body) => res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  switch (req.method + " " + req.url) {
    case "GET /text":
      return answer(200, { text: "This is a simple text response for testing." });
    case "GET /error":
      return answer(422, { error: "This tool intentionally returns an error for testing" });
    case "GET /step":
      return setTimeout(() => answer(200, { done: true }), 50);
    case "POST /change":
      if (existsSync(extra)) rmSync(extra);
      else put("extra.wasm");
      return answer(200, { changed: true });
  }
  answer(404, {});
});
await new Promise((resolve) => vendor.listen(0, "127.0.0.1", resolve));

// put puts a connector into the folder whole.
function put(name) {
  copyFileSync(join(connectors, name), join(plugins, name + ".new"));
  renameSync(join(plugins, name + ".new"), join(plugins, name));
}

mkdirSync(plugins);
copyFileSync(join(vendors, "pylon.wasm"), join(plugins, "pylon.wasm"));
for (const name of ["conformance.wasm", "schemas.wasm", "extra.wasm"]) put(name);
// No call reaches a vendor but the one above.
writeFileSync(config, `plugins: ${plugins}
connections:
  test:
    connector: conformance
    server: http://127.0.0.1:${vendor.address().port}
    credentials: {token: env:API_TOKEN}
  json: {connector: schemas, credentials: {token: env:API_TOKEN}}
  extra: {connector: extra, credentials: {token: env:API_TOKEN}}
serve:
  mcp: {form: operations}
  connectors:
    conformance: {server: http://127.0.0.1:${vendor.address().port}}
`);
const env = { ...process.env, AGENTHOST_MCP_TOKEN: token, API_TOKEN: "none", AGENTHOST_CONFIG: config };
delete env.AGENTHOST_PLUGINS;
for (const name of ["pylon.wasm", "conformance.wasm", "schemas.wasm", "extra.wasm"]) {
  const approved = spawnSync(agenthost, ["plugin", "approve", "--yes", join(plugins, name)], { env, encoding: "utf8" });
  if (approved.status !== 0) throw new Error(approved.stderr);
}

const version = (n) => Number(process.versions.node.split(".")[n]);
if (version(0) < 22) throw new Error(`the suites need Node 22, this is ${process.versions.node}`);

// start starts agenthost, and returns its address.
async function start(...command) {
  const child = spawn(agenthost, command, { env, stdio: ["ignore", "ignore", "pipe"] });
  const url = await new Promise((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (data) => {
      said += data;
      const found = said.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (found) resolve(found[0]);
    });
    child.on("exit", () => reject(new Error("agenthost ended: " + said)));
  });
  const stop = () => {
    child.removeAllListeners("exit");
    child.kill("SIGTERM");
  };
  return { url, stop };
}

// forward starts the forwarder in front of a server.
async function forward(server, token) {
  const { port } = new URL(server.url);
  const forwarder = http.createServer((req, res) => {
    const headers = { ...req.headers, authorization: "Bearer " + token };
    const to = http.request({ port, host: "127.0.0.1", method: req.method, path: req.url, headers, setHost: false }, (from) => {
      res.writeHead(from.statusCode, from.headers);
      from.pipe(res);
    });
    to.on("error", () => res.destroy());
    res.on("close", () => to.destroy());
    req.pipe(to);
  });
  await new Promise((resolve) => forwarder.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${forwarder.address().port}/mcp`,
    stop: () => {
      forwarder.close();
      forwarder.closeAllConnections();
      server.stop();
    },
  };
}

// mcp starts agenthost mcp with some flags.
async function mcp(...flags) {
  return forward(await start("mcp", "--http", "127.0.0.1:0", "--token", "env:AGENTHOST_MCP_TOKEN", "--form", "operations", ...flags), token);
}

// served starts agenthost serve, whose first workspace has the same connections.
async function served() {
  const data = join(home, "data");
  const server = await start("serve", "--http", "127.0.0.1:0", "--data", data);
  const send = async (path, body, token) => {
    const headers = { "content-type": "application/json", ...(token && { authorization: "Bearer " + token }) };
    const answer = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  const { client_id, client_secret } = JSON.parse(readFileSync(join(data, "bootstrap.json"), "utf8"));
  const { access_token } = await send("/api/v1/account/applications/token", { client_id, client_secret });
  for (const [name, connector_type] of [["test", "conformance"], ["json", "schemas"], ["extra", "extra"]]) {
    await send("/api/v1/integrations/connectors", { workspace_name: "default", name, connector_type, credentials: { token: "none" } }, access_token);
  }
  const made = spawnSync(agenthost, ["workspace", "token", "default", "--data", data], { env, encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  return forward(server, made.stdout.trim());
}

// suite runs one of the two suites and returns whether it passed.
function suite(name, script, url, ...flags) {
  console.log(`== ${name}`);
  const run = spawn(process.execPath, [here(script), "server", "--url", url, ...flags], { cwd: home, stdio: "inherit" });
  return new Promise((resolve) => run.on("exit", (code) => resolve(code === 0)));
}

// typescript lists and calls tools over standard input and output.
async function typescript() {
  console.log("== a client on the TypeScript SDK, over standard input and output");
  const pylon = join(home, "pylon.yaml");
  writeFileSync(pylon, `plugins: ${plugins}\nconnections: {support: {connector: pylon, credentials: {api_token: env:API_TOKEN}}}\n`);
  const client = new Client({ name: "conformance", version: "1.0.0" });
  await client.connect(new StdioClientTransport({ command: agenthost, args: ["mcp", "--form", "search", "--config", pylon], env }));
  const { tools } = await client.listTools();
  if (tools.length !== 3) throw new Error(`${tools.length} tools`);
  const found = await client.callTool({ name: "search_operations", arguments: { query: "list issues" } });
  const operation = found.structuredContent.operations[0].operation;
  const described = await client.callTool({ name: "describe_operation", arguments: { operation } });
  const failed = await client.callTool({ name: "execute_operation", arguments: { operation, params: { strat_time: 1 } } });
  if (operation !== "support.issues.list" || !described.structuredContent.params || !failed.isError) {
    throw new Error(JSON.stringify({ operation, described, failed }));
  }
  await client.close();
  console.log(`ok: ${tools.length} tools listed, 3 calls`);
}

// old and next run the two suites.
async function old(name, server) {
  return suite(`0.1.16, ${name}`, "node_modules/@modelcontextprotocol/conformance/dist/index.js", server.url, "--expected-failures", here("expected-0.1.yaml"));
}
async function next(name, server) {
  // With --requirements, the suite would not compare the scenarios that are newer than the protocol, those of headers among them.
  return suite(`0.2.0-alpha for 2026-07-28, ${name}`, "node_modules/conformance-next/dist/index.js", server.url, "--suite", "all", "--spec-version", "2026-07-28", "--expected-failures", here("expected-2026-07-28.yaml"));
}

let passed = true;
try {
  let server = await served();
  rmSync(extra); // it comes and goes from here on
  passed = (await old("agenthost serve", server)) && passed;
  passed = (await next("agenthost serve", server)) && passed;
  server.stop();
  server = await mcp("--sessions");
  passed = (await old("agenthost mcp with sessions", server)) && passed;
  server.stop();
  server = await mcp();
  passed = (await next("agenthost mcp", server)) && passed;
  server.stop();
  await typescript();
} finally {
  vendor.close();
  vendor.closeAllConnections();
  rmSync(home, { recursive: true, force: true });
}
process.exit(passed ? 0 : 1);
