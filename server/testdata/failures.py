"""Every exception class of airbyte-agent-sdk: raised by what really goes wrong, or why it cannot be."""
import asyncio
import importlib
import inspect
import logging
import os
import pkgutil
import socket

import airbyte_agent_sdk as sdk
from airbyte_agent_sdk import AirbyteAuthConfig, connect, translate_exceptions
from airbyte_agent_sdk.connectors.pylon import PylonConnector

# Nothing that goes wrong between the SDK and a server raises these.
UNREACHABLE = {
    "NetworkError": "only for requests of the SDK to a vendor; a server that is away raises httpx.ConnectError",
    "TimeoutError": "only for requests of the SDK to a vendor; a server that is silent for 300 s raises httpx.ReadTimeout",
    "ExecutorError": "the base of the next four",
    "EntityNotFoundError": "only where the SDK itself calls the vendor; a server raises ConnectorValidationError",
    "ActionNotSupportedError": "as EntityNotFoundError",
    "MissingParameterError": "as EntityNotFoundError",
    "InvalidParameterError": "as EntityNotFoundError",
    "MissingVariableError": "a definition that is broken, where the SDK itself calls the vendor",
    "SecretResolutionError": "a secret that is missing, where the SDK itself calls the vendor",
    "ParamResolutionError": "a check of all entities, where the SDK itself calls the vendor",
    "ParentProbeError": "as ParamResolutionError",
    "ConnectorModelLoaderError": "the base of the next four",
    "DuplicateEntityError": "a definition that is broken: they are in the SDK's package",
    "InvalidOpenAPIError": "as DuplicateEntityError",
    "InvalidYAMLError": "as DuplicateEntityError",
    "TokenExtractValidationError": "as DuplicateEntityError",
    "_OutputTooLargeSignal": "never leaves the SDK: it becomes the failure of a tool",
}


def classes() -> set[str]:
    """The names of all exception classes of the package, outside of its connectors."""
    found = set()
    for module in pkgutil.walk_packages(sdk.__path__, "airbyte_agent_sdk."):
        if module.name.split(".")[1] not in ("connectors", "testing"):
            found.update(own(vars(importlib.import_module(module.name)).values()))
    return found


def own(values) -> set[str]:
    """The names of those that are exception classes of the SDK."""
    return {v.__name__ for v in values if inspect.isclass(v) and issubclass(v, BaseException) and v.__module__.startswith("airbyte_agent_sdk")}


def pylon(workspace: str = "acme", **changes) -> PylonConnector:
    account = {"airbyte_client_id": os.environ["AIRBYTE_CLIENT_ID"], "airbyte_client_secret": os.environ["AIRBYTE_CLIENT_SECRET"]}
    return PylonConnector(auth_config=AirbyteAuthConfig(workspace_name=workspace, **{**account, **changes}))


async def check(environment: dict[str, str], problem) -> None:
    """Raise what can be raised. The server of environment has low limits, and a vendor that is out of order."""
    logging.disable(logging.CRITICAL)  # the SDK logs each failure of a tool
    before = dict(os.environ)
    raised = set()

    async def fails(what: str, kind: str, call, **attributes) -> None:
        try:
            await call
        except Exception as e:  # noqa: BLE001
            raised.update(own(type(e).__mro__))
            if type(e).__name__ != kind:
                problem(f"{what} raises {type(e).__name__}, not {kind}: {e}")
            for name, wanted in attributes.items():
                if getattr(e, name, None) not in wanted:
                    problem(f"{what}: {name} is {getattr(e, name, None)!r}, not one of {wanted}")
        else:
            problem(f"{what} raises nothing")

    def get(connector, id):
        return connector.execute("users", "get", {"id": id})

    await fails("a connector that the SDK does not have", "UnknownConnectorError", asyncio.to_thread(connect, "nothing"))
    await fails("two connectors of a kind", "ConnectorAmbiguityError", asyncio.to_thread(connect, "pylon", workspace_name="acme"))
    await fails("a workspace without the connector", "ConnectorNotFoundError", get(pylon("default"), "x"))

    os.environ.update(environment)
    there = pylon()
    await fails("a wrong client secret", "AuthenticationError", get(pylon(airbyte_client_secret="wrong"), "x"), status_code=[401])
    await fails("another organization", "AuthenticationError", get(pylon(organization_id="0b6c1d9e-4c5f-4c55-9d0a-6b1f8f0f6a99"), "x"), status_code=[403])
    await fails("a credential that the vendor refuses", "AuthenticationError", get(pylon("stranger"), "x"), status_code=[401])
    await fails("no parameter", "ConnectorValidationError", there.execute("users", "get", {}), status_code=[422])
    await fails("no such operation", "ConnectorValidationError", there.execute("users", "explode", {}), status_code=[400])
    await there.execute("users", "context_store_search", {"query": {}})  # copies are made with the first search
    await fails("a search for an unknown field", "ConnectorValidationError", there.execute("users", "context_store_search", {"query": {"filter": {"eq": {"nothing": 1}}}}), status_code=[422])
    await fails("a record that the vendor does not have", "HTTPStatusError", get(there, "nobody"), status_code=[404])
    await fails("a connector that is not there", "HTTPStatusError", get(pylon(connector_id="0b6c1d9e-4c5f-4c55-9d0a-6b1f8f0f6a99"), "x"), status_code=[404])
    await fails("a vendor that is broken", "HTTPStatusError", get(there, "broken"), status_code=[502])
    await fails("a vendor that hangs up", "HTTPStatusError", get(there, "gone"), status_code=[502])
    await fails("a vendor that is slow", "HTTPStatusError", get(there, "slow"), status_code=[504])
    await fails("the limit of the vendor", "RateLimitError", get(there, "busy"), status_code=[429], retry_after=[120])
    tool = translate_exceptions(framework="none")(there.execute)
    await fails("a tool of no framework", "AirbyteToolError", tool("users", "get", {}))

    async def until_limited(call) -> None:
        for _ in range(40):
            await call()

    await fails("the limit of requests", "RateLimitError", until_limited(lambda: there.execute("users", "list", {"limit": 1})), status_code=[429], retry_after=range(1, 61))
    await fails("the limit of tokens", "RateLimitError", until_limited(lambda: pylon()._executor._cloud_client.get_bearer_token()), status_code=[429], retry_after=range(1, 61))

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        os.environ["SDK_DEV_ADP_API_HOST"] = f"http://127.0.0.1:{s.getsockname()[1]}"
        await fails("no server", "ConnectError", get(pylon(), "x"))
    os.environ.clear()
    os.environ.update(before)
    known = classes()
    for name in sorted(known):
        if (name in raised) == (name in UNREACHABLE):
            problem(f"{name} is raised and said to be unreachable" if name in raised else f"nothing raises {name}, and nothing says why")
    for name in sorted(UNREACHABLE.keys() - known):
        problem(f"the SDK has no {name}")
