"""The tools of langchain-mcp-adapters. Each call has a session of its own by default."""

from contextlib import asynccontextmanager

from langchain_mcp_adapters.client import MultiServerMCPClient


class Session:
    def __init__(self, client):
        self.client = client
        self.tools = None

    async def names(self):
        self.tools = {tool.name: tool for tool in await self.client.get_tools()}
        return list(self.tools)

    async def call(self, name, arguments):
        if self.tools is None:
            await self.names()
        call = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
        message = await self.tools[name].ainvoke(call)
        text = message.content if isinstance(message.content, str) else "".join(b["text"] for b in message.content)
        return text, message.status == "error"


@asynccontextmanager
async def connect(server):
    if server.url:
        how = {"transport": "streamable_http", "url": server.url, "headers": server.headers}
    else:
        how = {"transport": "stdio", "command": server.command, "args": server.args, "env": server.env}
    yield Session(MultiServerMCPClient({"agenthost": how}))
