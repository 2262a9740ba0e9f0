"""The SDK for Python, as of version 2."""

from contextlib import asynccontextmanager

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


class Session:
    def __init__(self, client):
        self.client = client

    async def names(self):
        names, cursor = [], None
        while True:
            page = await self.client.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                return names

    async def call(self, name, arguments):
        result = await self.client.call_tool(name, arguments)
        return "".join(block.text for block in result.content), bool(result.is_error)


@asynccontextmanager
async def connect(server):
    if server.url:
        transport = streamable_http_client(server.url, http_client=create_mcp_http_client(headers=server.headers))
    else:
        transport = stdio_client(StdioServerParameters(command=server.command, args=server.args, env=server.env))
    async with Client(transport) as client:
        yield Session(client)
