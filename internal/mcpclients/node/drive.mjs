// Runs the scenarios on standard input with one client, and prints what the client got.
//
// Usage: node drive.mjs CLIENT, where CLIENT is a module in clients/. Each of these has a
// function connect(server) that returns an object with names(), call(name, arguments, signal)
// and close(). call returns the text that a model would see, and whether the client calls it
// an error.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

const asked = JSON.parse(await text(process.stdin));
const { url, token, command, env } = asked.server;
const server = { url, headers: { Authorization: "Bearer " + token }, command: command[0], args: command.slice(1), env };

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
// ask asks the vendor's side, which answers "yes" or "no".
const ask = async (path) => (await (await fetch(asked.control + path)).text()) === "yes";

// cancel cancels a call that the vendor does not answer. It returns whether the vendor saw the end of it.
async function cancel(session, { tool, arguments: args }) {
  const controller = new AbortController();
  const running = session.call(tool, args, controller.signal).catch((error) => error);
  if (!(await ask("/arrived"))) throw new Error("the vendor did not get the request");
  controller.abort();
  await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 5000))]);
  return ask("/ended?seconds=5");
}

say({ version: JSON.parse(readFileSync(new URL(`node_modules/${asked.package}/package.json`, import.meta.url))).version });
const { connect } = await import(`./clients/${process.argv[2]}.mjs`);
const session = await connect(server);
let ended;
for (const scenario of asked.scenarios) {
  const { name } = scenario;
  try {
    if (name === "list") {
      say({ scenario: name, names: await session.names() });
    } else if (name === "cancel") {
      ended = await cancel(session, scenario);
      if (ended) say({ scenario: name, ended: "call" });
    } else {
      const [seen, failed] = await session.call(scenario.tool, scenario.arguments);
      say({ scenario: name, text: seen, failed });
    }
  } catch (error) {
    console.error(error);
    say({ scenario: name, error: String(error) });
  }
}
await session.close().catch(console.error);
if (ended === false) say({ scenario: "cancel", ended: (await ask("/ended?seconds=15")) ? "close" : "never" });
process.exit(0);
