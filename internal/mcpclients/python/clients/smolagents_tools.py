"""The MCPClient of smolagents. Its tools are synchronous, so each call has a thread."""

import asyncio
from contextlib import asynccontextmanager

from mcp import StdioServerParameters
from smolagents import MCPClient


class Session:
    def __init__(self, client):
        self.client = client

    async def names(self):
        return [tool.name for tool in self.client.get_tools()]

    async def call(self, name, arguments):
        tool = next(tool for tool in self.client.get_tools() if tool.name == name)
        return await asyncio.to_thread(tool, **arguments), None


@asynccontextmanager
async def connect(server):
    if server.url:
        parameters = {"url": server.url, "transport": "streamable-http", "headers": server.headers}
    else:
        parameters = StdioServerParameters(command=server.command, args=server.args, env=server.env)
    client = await asyncio.to_thread(MCPClient, parameters, structured_output=False)
    yield Session(client)
    await asyncio.to_thread(client.disconnect)
