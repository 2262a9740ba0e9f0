"""Run operations through a server with airbyte-agent-sdk: a line of JSON for each on standard input."""
import asyncio
import json
import os
import sys

from airbyte_agent_sdk import HostedExecutor, HTTPStatusError


async def main() -> None:
    account = {"airbyte_client_id": os.environ["AIRBYTE_CLIENT_ID"], "airbyte_client_secret": os.environ["AIRBYTE_CLIENT_SECRET"]}
    executors = {}
    for line in sys.stdin:
        call = json.loads(line)
        definition = call["definition"]
        if definition not in executors:
            executors[definition] = HostedExecutor(workspace_name="acme", connector_definition_id=definition, **account)
        try:
            answer = await executors[definition].execute(call["entity"], call["action"], params=call["params"])
            print(json.dumps({"data": answer.data, "meta": answer.meta}), flush=True)
        except HTTPStatusError as e:
            print(json.dumps({"status": e.status_code, "error": str(e)}), flush=True)


asyncio.run(main())
