"""Drive a server with the unmodified airbyte-agent-sdk: a line of JSON for each call on standard input."""
import asyncio
import json
import os
import sys

import failures
from airbyte_agent_sdk import AirbyteAuthConfig, HostedExecutor, HTTPStatusError, Workspace, build_connector_tools
from airbyte_agent_sdk.connectors.ashby import AshbyConnector
from airbyte_agent_sdk.connectors.incident_io import IncidentIoConnector
from airbyte_agent_sdk.connectors.pylon import PylonConnector

KINDS = {"Pylon": PylonConnector, "Ashby": AshbyConnector, "incident.io": IncidentIoConnector}
# Lists whose records are other than the SDK's types say; execute does not look at types.
UNTYPED = {"pylon.accounts"}
problems = []


def expect(true: bool, what: str) -> None:
    if not true:
        problems.append(what)


async def look(connector: object, name: str) -> None:
    """Ask what a connector is, and how it is."""
    check = await connector.check()
    expect(check.status == "healthy", f"{name} is {check}")
    found = await connector.inspect_connector()
    expect(found["docs_skill_id"].startswith("connector-source:"), f"{name} is inspected as {found}")
    docs = await connector.read_skill_docs()
    expect("overview" in json.dumps(docs, default=str).lower(), f"the skill of {name} is {docs}")
    tools = {tool.__name__: tool for tool in build_connector_tools(connector, framework="pydantic_ai").as_list()}
    expect(tools.keys() == {"inspect_connector", "read_skill_docs", "execute"}, f"the tools of {name} are {tools.keys()}")
    expect("users" in await tools["read_skill_docs"]("users"), f"the tools of {name} know no users")
    expect((await tools["execute"]("users", "list", {"limit": 1}))[0]["id"] != "", f"the tools of {name} list no users")


async def typed(connector: object, call: dict) -> None:
    """List again with the method that has types, of the operations that the SDK knows."""
    name, entity = f"{call['connector']}.{call['entity']}", getattr(connector, call["entity"], None)
    if call["action"] != "list" or not hasattr(entity, "list"):
        return
    try:
        plain = await connector.execute(call["entity"], "list", call["params"])
    except HTTPStatusError:
        return  # as the library, which the test compares
    try:
        records = (await entity.list(**call["params"])).data
    except ValueError as e:  # pydantic's are such
        expect(name in UNTYPED, f"{name}.list: {str(e)[:300]}")
        return
    expect(name not in UNTYPED, f"{name}.list has types after all")
    expect(len(records) == len(plain.data), f"{name}.list has {len(records)} records, and execute {len(plain.data)}")


async def execute(executor: HostedExecutor, call: dict) -> dict:
    """What an operation answers."""
    try:
        answer = await executor.execute(call["entity"], call["action"], params=call["params"])
    except HTTPStatusError as e:
        return {"status": e.status_code, "text": str(e)}
    return {"result": answer.data, "connector_metadata": answer.meta}


async def main() -> None:
    doubled, failing = sys.argv[1], json.loads(sys.argv[2])
    await failures.check(failing, problems.append)
    async with Workspace(workspace_name="acme") as here:
        ids = {c.name: c.id for c in await here.list_connectors()}
        expect(sorted(ids) == ["Ashby", "Doubled", "Pylon", "incident.io"], f"the workspace has {ids}")
        await here.delete_connector(doubled)
        expect(len(await here.list_connectors()) == 3, "a connector is there after it was deleted")
    secrets = {"airbyte_client_id": os.environ["AIRBYTE_CLIENT_ID"], "airbyte_client_secret": os.environ["AIRBYTE_CLIENT_SECRET"]}
    executors = {kind.connector_name: HostedExecutor(connector_id=ids[name], **secrets) for name, kind in KINDS.items()}
    connectors = {kind.connector_name: kind(auth_config=AirbyteAuthConfig(workspace_name="acme", **secrets)) for kind in KINDS.values()}
    calls = [json.loads(line) for line in sys.stdin]
    for call in calls:
        print(json.dumps(await execute(executors[call["connector"]], call)))
    for name, connector in connectors.items():
        await look(connector, name)
    for call in calls:
        await typed(connectors[call["connector"]], call)
    sys.exit("\n".join(problems) or None)


asyncio.run(main())
