// The tools of @ai-sdk/mcp.
import { createMCPClient } from "@ai-sdk/mcp";
import { StdioMCPTransport as Stdio } from "@ai-sdk/mcp/mcp-stdio";

export async function connect({ url, headers, command, args, env }) {
  const client = await createMCPClient({ transport: url ? { type: "http", url, headers } : new Stdio({ command, args, env }) });
  let tools;
  return {
    async names() {
      tools = await client.tools();
      return Object.keys(tools);
    },
    async call(name, args, abortSignal) {
      tools ??= await client.tools();
      const output = await tools[name].execute(args, { toolCallId: "1", messages: [], abortSignal });
      const { type, value } = await tools[name].toModelOutput({ toolCallId: "1", input: args, output });
      return [type === "content" ? value.map((block) => block.text).join("") : JSON.stringify(value), output.isError === true];
    },
    close: () => client.close(),
  };
}
