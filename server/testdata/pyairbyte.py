"""Drive a server with the direct connectors of PyAirbyte, unmodified."""
import os
import sys

import requests
from airbyte import agents
from airbyte.exceptions import AirbyteError

problems = []


def expect(true: bool, what: str) -> None:
    if not true:
        problems.append(what)


def fails(kind: type, call, **arguments) -> str:
    try:
        call(**arguments)
    except kind as e:
        return str(e)
    problems.append(f"{call} {arguments} raises no {kind.__name__}")
    return ""


organization = agents.AgentOrganization.from_env()
expect(sorted(w.name for w in organization.list_workspaces()) == ["acme", "default"], "the workspaces are others")
workspace = organization.get_workspace(name="acme")
expect(workspace.get_info().status == "active", "the workspace is not active")
connector = workspace.get_connector("pylon")
expect([c.name for c in workspace.list_connectors()] == ["Pylon"], "the connectors are others")
details = connector.inspect()
expect(details.workspace_id == workspace.workspace_id, f"the connector is of {details.workspace_id}")
skill, *others = workspace.list_skills()
expect(not others and skill.read_docs().content, "the connector has no text")

whole = connector.list_entities("accounts", page_size=900).entities
pages = list(connector.iter_entities("accounts", page_size=5))
# The vendor's page of tags has no length: the server cuts it.
tags, cut = connector.list_entities("tags").entities, list(connector.iter_entities("tags", page_size=5))
expect(len(tags) > 5 and cut == tags, f"{len(cut)} tags on small pages, {len(tags)} on a large one")
expect(len(pages) > 5 and pages == whole, f"{len(pages)} records on small pages, {len(whole)} on a large one")
made = connector.create_entity("tags", {"value": "from PyAirbyte", "object_type": "issue"}).result
expect(connector.get_entity("tags", {"id": made["id"]}).result["value"] == "from PyAirbyte", "the record is another one")
connector.update_entity("tags", {"id": made["id"], "value": "changed"})
expect(connector.get_entity("tags", {"id": made["id"]}).result["value"] == "changed", "the record did not change")
connector.delete_entity("tags", {"id": made["id"]})
expect("404" in fails(AirbyteError, connector.get_entity, entity_type="tags", api_args={"id": made["id"]}), "the record is there after it was deleted")
expect("422" in fails(AirbyteError, connector.get_entity, entity_type="tags", api_args={}), "a wrong call has another status")
os.environ["AIRBYTE_CLIENT_SECRET"] = "wrong"
expect("401" in fails(requests.HTTPError, agents.AgentOrganization.from_env().list_workspaces), "a wrong secret has another status")
sys.exit("\n".join(problems) or None)
