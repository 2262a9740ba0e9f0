"""The McpToolset of google-adk, and the declarations that it makes for Gemini."""

import json
from contextlib import asynccontextmanager
from unittest.mock import MagicMock

from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams, StreamableHTTPConnectionParams
from mcp import StdioServerParameters


class Session:
    def __init__(self, toolset):
        self.toolset = toolset
        self.tools = None

    async def names(self):
        self.tools = {tool.name: tool for tool in await self.toolset.get_tools()}
        for tool in self.tools.values():
            tool._get_declaration().model_dump()
        return list(self.tools)

    async def call(self, name, arguments):
        if self.tools is None:
            await self.names()
        result = await self.tools[name].run_async(args=arguments, tool_context=MagicMock())
        if "content" not in result:
            return json.dumps(result), True
        return "".join(block["text"] for block in result["content"]), bool(result.get("isError"))


@asynccontextmanager
async def connect(server):
    # The default of 5 seconds is too short for a long collection over stdio.
    if server.url:
        how = StreamableHTTPConnectionParams(url=server.url, headers=server.headers, timeout=60)
    else:
        command = StdioServerParameters(command=server.command, args=server.args, env=server.env)
        how = StdioConnectionParams(server_params=command, timeout=60)
    toolset = McpToolset(connection_params=how)
    yield Session(toolset)
    await toolset.close()
