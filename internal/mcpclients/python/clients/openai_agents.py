"""The MCP servers of openai-agents, and the function tools that it makes of theirs."""

import json
from contextlib import asynccontextmanager

from agents import Agent, RunContextWrapper
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp, MCPUtil
from agents.tool_context import ToolContext


class Session:
    def __init__(self, server):
        self.server = server
        self.tools = None

    async def names(self):
        context, agent = RunContextWrapper(None), Agent(name="agent")
        tools = await MCPUtil.get_all_function_tools([self.server], True, context, agent)
        self.tools = {tool.name: tool for tool in tools}
        return list(self.tools)

    async def call(self, name, arguments):
        if self.tools is None:
            await self.names()
        text = json.dumps(arguments)
        context = ToolContext(None, tool_name=name, tool_call_id="1", tool_arguments=text)
        result = await self.tools[name].on_invoke_tool(context, text)
        # The model gets the text of a failure, and no mark.
        return result["text"] if isinstance(result, dict) else str(result), None


@asynccontextmanager
async def connect(server):
    # The default of 5 seconds is too short for a long collection.
    options = {"client_session_timeout_seconds": 60, "cache_tools_list": True}
    if server.url:
        made = MCPServerStreamableHttp({"url": server.url, "headers": server.headers}, **options)
    else:
        made = MCPServerStdio({"command": server.command, "args": server.args, "env": server.env}, **options)
    async with made:
        yield Session(made)
