// The tools of @mastra/mcp. It puts the server's name before the tools' names.
import { MCPClient } from "@mastra/mcp";

export async function connect({ url, headers, command, args, env }) {
  const server = url ? { url: new URL(url), requestInit: { headers } } : { command, args, env };
  const client = new MCPClient({ servers: { agenthost: server } });
  const prefix = "agenthost_";
  let tools;
  return {
    async names() {
      tools = await client.listTools();
      return Object.keys(tools).map((name) => name.slice(prefix.length));
    },
    async call(name, args, abortSignal) {
      tools ??= await client.listTools();
      try {
        const output = await tools[prefix + name].execute(args, { abortSignal });
        return [JSON.stringify(output), output.isError === true];
      } catch (error) {
        if (error.id !== "MCP_CLIENT_TOOL_EXECUTION_FAILED") throw error;
        return [error.message, true];
      }
    },
    close: () => client.disconnect(),
  };
}
