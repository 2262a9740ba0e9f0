"""Drive a server with the unmodified airbyte-agent-sdk: a line of JSON for each call on standard input."""
import asyncio
import json
import sys

from airbyte_agent_sdk import (
    AirbyteAuthConfig,
    AuthenticationError,
    ConnectorAmbiguityError,
    ConnectorNotFoundError,
    ConnectorValidationError,
    HTTPStatusError,
    HostedExecutor,
    RateLimitError,
    Workspace,
    connect,
)
from airbyte_agent_sdk.connectors.ashby import AshbyConnector
from airbyte_agent_sdk.connectors.incident_io import IncidentIoConnector
from airbyte_agent_sdk.connectors.pylon import PylonConnector

KINDS = {"pylon": PylonConnector, "ashby": AshbyConnector, "incident-io": IncidentIoConnector}


def account(workspace: str = "acme", secret: str | None = None) -> AirbyteAuthConfig:
    import os

    return AirbyteAuthConfig(
        workspace_name=workspace,
        airbyte_client_id=os.environ["AIRBYTE_CLIENT_ID"],
        airbyte_client_secret=secret or os.environ["AIRBYTE_CLIENT_SECRET"],
    )


async def fails(kind: type, call) -> None:
    try:
        await call
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")


async def main() -> None:
    doubled, token = sys.argv[1], sys.argv[2]
    here = Workspace(workspace_name="acme")
    listed = await here.list_connectors()
    assert len(listed) == 4 and {c.name for c in listed} == {"Pylon", "Ashby", "incident.io", "Doubled"}, listed

    def ambiguous() -> None:
        try:
            connect("pylon", workspace_name="acme")
        except ConnectorAmbiguityError:
            return
        raise AssertionError("two connectors of a kind are one")

    await asyncio.to_thread(ambiguous)
    await here.delete_connector(doubled)
    assert len(await here.list_connectors()) == 3
    await here.close()

    connectors = {name: kind(auth_config=account()) for name, kind in KINDS.items()}
    for name, c in connectors.items():
        assert "succe" in str((await c.check())).lower() or "healthy" in str((await c.check())).lower(), (name, await c.check())
        found = await c.inspect_connector()
        assert found["docs_skill_id"].startswith("connector-source:"), found
        docs = await c.read_skill_docs()
        assert "overview" in json.dumps(docs, default=str).lower(), docs
    # accounts.list would fail: the SDK wants an object where Pylon documents an array.
    assert (await connectors["pylon"].users.list()).data
    assert (await connectors["ashby"].candidates.list(limit=1)).data
    assert (await connectors["incident-io"].users.list()).data

    pylon = connectors["pylon"]
    await fails(ConnectorValidationError, pylon.execute("accounts", "get", {}))
    await fails(HTTPStatusError, pylon.execute("accounts", "get", {"id": "nothing"}))
    await fails(ConnectorNotFoundError, PylonConnector(auth_config=account("default")).execute("accounts", "list", {}))
    await fails(AuthenticationError, PylonConnector(auth_config=account(secret="wrong")).execute("accounts", "list", {}))
    assert RateLimitError

    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = await connectors[call["connector"]].execute(call["entity"], call["action"], call["params"])
        except HTTPStatusError as e:
            print(json.dumps({"status": e.status_code}), flush=True)
            continue
        if hasattr(answer, "data"):
            answer = answer.data
        print(json.dumps({"data": answer}, default=str), flush=True)


asyncio.run(main())
