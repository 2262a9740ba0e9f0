"""The SDK for Python, version 1, which many frameworks still use."""

from contextlib import asynccontextmanager

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


class Session:
    def __init__(self, session):
        self.session = session

    async def names(self):
        names, cursor = [], None
        while True:
            page = await self.session.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            cursor = page.nextCursor
            if not cursor:
                return names

    async def call(self, name, arguments):
        result = await self.session.call_tool(name, arguments)
        return "".join(block.text for block in result.content), bool(result.isError)


@asynccontextmanager
async def connect(server):
    if server.url:
        transport = streamablehttp_client(server.url, headers=server.headers)
    else:
        transport = stdio_client(StdioServerParameters(command=server.command, args=server.args, env=server.env))
    async with transport as streams, ClientSession(streams[0], streams[1]) as session:
        await session.initialize()
        yield Session(session)
