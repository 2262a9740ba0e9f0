"""The MCPToolset of pydantic-ai."""

import json
from contextlib import asynccontextmanager

from fastmcp.client.transports import StdioTransport
from pydantic_ai import RunContext
from pydantic_ai.exceptions import ModelRetry
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage


class Session:
    def __init__(self, toolset):
        self.toolset = toolset
        self.context = RunContext(deps=None, model=TestModel(), usage=RunUsage())
        self.tools = None

    async def names(self):
        self.tools = await self.toolset.get_tools(self.context)
        return list(self.tools)

    async def call(self, name, arguments):
        if self.tools is None:
            await self.names()
        try:
            tool = self.tools[name]
            # An agent validates what the model sent first.
            tool.args_validator.validate_python(arguments)
            result = await self.toolset.call_tool(name, arguments, self.context, tool)
        except ModelRetry as error:
            return error.message, True
        return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False), False


@asynccontextmanager
async def connect(server):
    if server.url:
        toolset = MCPToolset(server.url, headers=server.headers)
    else:
        toolset = MCPToolset(StdioTransport(server.command, server.args, env=server.env))
    async with toolset:
        yield Session(toolset)
