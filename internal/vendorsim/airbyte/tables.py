"""Prints what an installed airbyte-agent-sdk says of connectors, as JSON: operations with
their parameters, and what the context store knows. The arguments name the connectors."""

import importlib.util
import json
import pathlib
import sys

import yaml

METHODS = {"get", "post", "put", "patch", "delete"}


def resolve(root, node):
    while isinstance(node, dict) and "$ref" in node:
        target = root
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node or {}


def members(root, schema):
    schema = resolve(root, schema)
    names = set(schema.get("properties", {}))
    for word in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(word, []):
            names |= members(root, part)
    return names


def parameters(root, path, operation):
    given = [resolve(root, p) for p in path.get("parameters", []) + operation.get("parameters", [])]
    names = {p["name"] for p in given if p["in"] in ("path", "query")}
    body = resolve(root, operation.get("requestBody"))
    for content in body.get("content", {}).values():
        names |= members(root, content.get("schema"))
    return sorted(names)


def table(root):
    operations = {}
    for path in root["paths"].values():
        for method, operation in path.items():
            if method in METHODS and "x-airbyte-action" in operation:
                name = operation["x-airbyte-entity"] + "." + operation["x-airbyte-action"]
                operations[name] = parameters(root, path, operation)
    searchable, semantic = {}, {}
    for entity in root["info"]["x-airbyte-context-store"]["entities"]:
        searchable[entity["entity"]] = sorted(field["name"] for field in entity["fields"])
        fields = sorted(field["name"] for field in entity["fields"] if "x-airbyte-semantic-search" in field)
        if fields:
            semantic[entity["entity"]] = fields
    return {
        "id": root["info"]["x-airbyte-connector-definition-id"],
        "operations": operations,
        "searchable": searchable,
        "semantic": semantic,
    }


# Importing the package would need all that it requires.
package = pathlib.Path(importlib.util.find_spec("airbyte_agent_sdk").submodule_search_locations[0])
tables = {slug: table(yaml.safe_load((package / "specs" / slug / "connector.yaml").read_text())) for slug in sys.argv[1:]}
json.dump(tables, sys.stdout)
