"""The McpToolSpec of llama-index-tools-mcp."""

from contextlib import asynccontextmanager

from llama_index.tools.mcp import BasicMCPClient, McpToolSpec


class Session:
    def __init__(self, spec):
        self.spec = spec
        self.tools = None

    async def names(self):
        self.tools = {tool.metadata.name: tool for tool in await self.spec.to_tool_list_async()}
        for tool in self.tools.values():
            tool.metadata.get_parameters_dict()
        return list(self.tools)

    async def call(self, name, arguments):
        if self.tools is None:
            await self.names()
        output = await self.tools[name].acall(**arguments)
        # The model gets Python's text of the whole result, with this in it.
        text = "".join(block.text for block in output.raw_output.content)
        return text, output.is_error or bool(output.raw_output.is_error)


@asynccontextmanager
async def connect(server):
    if server.url:
        client = BasicMCPClient(server.url, headers=server.headers)
    else:
        client = BasicMCPClient(server.command, args=server.args, env=server.env)
    yield Session(McpToolSpec(client))
