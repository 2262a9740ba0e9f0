"""FastMCP's client."""

from contextlib import asynccontextmanager

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport


class Session:
    def __init__(self, client):
        self.client = client

    async def names(self):
        return [tool.name for tool in await self.client.list_tools()]

    async def call(self, name, arguments):
        result = await self.client.call_tool(name, arguments, raise_on_error=False)
        return "".join(block.text for block in result.content), result.is_error


@asynccontextmanager
async def connect(server):
    if server.url:
        transport = StreamableHttpTransport(server.url, headers=server.headers)
    else:
        transport = StdioTransport(server.command, server.args, env=server.env)
    async with Client(transport) as client:
        yield Session(client)
