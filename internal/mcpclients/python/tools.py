"""Prints the tools of the server on standard input, and how many are on the first page."""

import asyncio
import json
import sys

from clients.mcp_sdk import connect
from drive import Server


async def main():
    async with connect(Server(json.load(sys.stdin))) as session:
        tools, first, cursor = [], None, None
        while True:
            page = await session.client.list_tools(cursor=cursor)
            tools += [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in page.tools]
            first = first or len(tools)
            cursor = page.next_cursor
            if not cursor:
                break
    print(json.dumps({"first_page": first, "tools": tools}))


asyncio.run(main())
