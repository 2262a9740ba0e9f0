// Puts tools through the code with which clients check schemas.
//
// Usage: node validate.mjs PACKAGE... with the tools on standard input. Prints the packages'
// versions, and a line for each problem.
import { readFileSync } from "node:fs";
import { json } from "node:stream/consumers";
import Draft7 from "ajv";
import Draft2020 from "ajv/dist/2020.js";
import formats from "ajv-formats";

// compiled compiles schemas with the settings of the SDK for TypeScript, and the check of the
// schema itself.
function compiled(Ajv) {
  return ({ inputSchema, outputSchema }) => {
    for (const schema of [inputSchema, outputSchema ?? {}]) {
      const ajv = new Ajv({ strict: false, validateFormats: true, allErrors: true });
      formats.default(ajv);
      ajv.compile(schema);
    }
  };
}

// These are rules of VS Code, from microsoft/vscode-copilot-chat, toolSchemaNormalizer.ts, as
// of commit 1700547f: what it refuses, cuts off or leaves out of a tool for some model.
function vscode({ description, inputSchema }) {
  const say = (problem) => {
    throw new Error(problem);
  };
  if (inputSchema.type !== "object" || !inputSchema.properties) say("the schema is not an object with properties");
  if (!description) say("the description is empty");
  if (description.length > 1024) say(`the description has ${description.length} characters, and GPT-4 gets 1024`);
  for (const word of ["oneOf", "anyOf", "allOf", "not", "if", "then", "else"]) {
    if (word in inputSchema) say(`${word} at the top is left out`);
  }
  for (const node of nodes(inputSchema)) {
    if (node.type === "array" && !node.items) say("an array without items makes the tool fail");
    if (Array.isArray(node.items)) say("items is a list, which draft 2020-12 does not have");
    if (node.description?.length > 1024) say(`a description has ${node.description.length} characters, and GPT-4 gets 1024`);
    if (node.type === "object" && node.properties) {
      for (const name of node.required ?? []) if (!(name in node.properties)) say(`the required property ${name} is not declared`);
    }
    // VS Code does not follow references, so models get them as they are, and guess.
    if ("$ref" in node) say(`the reference ${node.$ref} stays a reference`);
  }
}

function* nodes(schema) {
  if (!schema || typeof schema !== "object") return;
  yield schema;
  const { properties, dependencies, patternProperties, additionalProperties, items, anyOf, allOf, oneOf, not, contains } = schema;
  const below = [properties, dependencies, patternProperties].flatMap((named) => Object.values(named ?? {}));
  for (const child of below.concat(additionalProperties, items, anyOf, allOf, oneOf, not, schema.if, schema.then, schema.else, contains)) {
    yield* nodes(child);
  }
}

const version = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
const checks = {
  "ajv (draft 7)": { check: compiled(Draft7), version: version("ajv") },
  "ajv (2020-12)": { check: compiled(Draft2020), version: version("ajv") },
  "VS Code's rules": { check: vscode, version: "1700547f" },
};

const tools = await json(process.stdin);
for (const name of process.argv.slice(2)) {
  const { check, version } = checks[name];
  console.log(JSON.stringify({ package: name, version }));
  for (const tool of tools) {
    try {
      check(tool);
    } catch (error) {
      console.log(JSON.stringify({ package: name, tool: tool.name, problem: String(error.message).slice(0, 300) }));
    }
  }
}
