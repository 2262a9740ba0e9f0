"""Create connectors with airbyte-agent-sdk 0.1.98, which has the documented call, and print the id of the last."""
import asyncio
import os
import sys

from airbyte_agent_sdk import AirbyteAuthConfig, Workspace
from airbyte_agent_sdk.connectors.ashby import AshbyAuthConfig, AshbyConnector
from airbyte_agent_sdk.connectors.incident_io import IncidentIoAuthConfig, IncidentIoConnector
from airbyte_agent_sdk.connectors.pylon import PylonAuthConfig, PylonConnector

TOKEN = sys.argv[1]
DATE = {"start_date": "2026-01-01T00:00:00Z"}


def account() -> AirbyteAuthConfig:
    return AirbyteAuthConfig(
        workspace_name="acme",
        airbyte_client_id=os.environ["AIRBYTE_CLIENT_ID"],
        airbyte_client_secret=os.environ["AIRBYTE_CLIENT_SECRET"],
    )


async def main() -> None:
    await PylonConnector.create(airbyte_config=account(), auth_config=PylonAuthConfig(api_token=TOKEN), name="Pylon")
    await AshbyConnector.create(airbyte_config=account(), auth_config=AshbyAuthConfig(api_key=TOKEN), name="Ashby")
    await IncidentIoConnector.create(airbyte_config=account(), auth_config=IncidentIoAuthConfig(api_key=TOKEN), name="incident.io")
    here = Workspace(workspace_name="acme")
    print(await here.create_connector(definition_id="f2e53e88-3c6b-4e5a-b7c2-a1d9c5e8f4b6", credentials={"api_token": TOKEN}, name="Doubled", replication_config=DATE))


asyncio.run(main())
