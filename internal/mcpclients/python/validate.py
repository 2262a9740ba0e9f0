"""Puts tools through the code with which clients check or convert schemas.

Usage: validate.py PACKAGE... with the tools on standard input. Prints the packages' versions,
and a line for each problem.
"""

import copy
import importlib.metadata
import json
import sys


def jsonschema(tool):
    """The schemas are valid, by the drafts that clients assume."""
    from jsonschema import Draft7Validator, Draft202012Validator

    for schema in tool["inputSchema"], tool.get("outputSchema", {}):
        Draft7Validator.check_schema(schema)
        Draft202012Validator.check_schema(schema)
        # A reference that leads nowhere shows when a value meets it.
        list(Draft202012Validator(schema).iter_errors(sample(schema, schema, 8)))


def sample(schema, root, depth):
    """Makes a value that has every property, so that a validator follows every reference."""
    if not isinstance(schema, dict) or depth == 0:
        return None
    if ref := schema.get("$ref"):
        target = root
        for part in ref.removeprefix("#/").split("/"):
            target = target[part]
        return sample(target, root, depth - 1)
    for word in "allOf", "anyOf", "oneOf":
        if word in schema:
            return sample(schema[word][0], root, depth - 1)
    if "properties" in schema:
        return {name: sample(below, root, depth - 1) for name, below in schema["properties"].items()}
    if "items" in schema:
        return [sample(schema["items"], root, depth - 1)]
    return None


def fastmcp(tool):
    """FastMCP makes a Python type of the schema of answers."""
    from fastmcp.utilities.json_schema_type import json_schema_to_type

    if "outputSchema" in tool:
        json_schema_to_type(copy.deepcopy(tool["outputSchema"]))


def openai_agents(tool):
    """The strict form that OpenAI's API takes. Objects with open keys have none, and stay as they are."""
    from agents.exceptions import UserError
    from agents.strict_schema import ensure_strict_json_schema

    try:
        strict = ensure_strict_json_schema(copy.deepcopy(tool["inputSchema"]))
    except UserError as error:
        if "additionalProperties" in str(error) or "undeclared properties" in str(error):
            return
        raise
    lost = set(tool["inputSchema"].get("properties", {})) - set(strict.get("properties", {}))
    if lost:
        raise ValueError(f"the strict form lacks {sorted(lost)}")


def google_genai(tool):
    """The declaration that google-genai makes of a tool for Gemini."""
    from google.genai._mcp_utils import mcp_to_gemini_tool
    from mcp.types import Tool

    # It fails at every tool with "additionalProperties": false, from any server; docs/agents.md
    # says what to do.
    tool = without(tool, "additionalProperties")
    declared = mcp_to_gemini_tool(Tool.model_validate(tool)).function_declarations[0]
    lost = set(tool["inputSchema"].get("properties", {})) - set(declared.parameters.properties or {})
    if lost:
        raise ValueError(f"the declaration lacks {sorted(lost)}")


def without(value, word):
    """Leaves booleans under a key out, at any depth."""
    if isinstance(value, dict):
        return {k: without(v, word) for k, v in value.items() if k != word or not isinstance(v, bool)}
    if isinstance(value, list):
        return [without(v, word) for v in value]
    return value


def main():
    tools = json.load(sys.stdin)
    for package in sys.argv[1:]:
        check = globals()[package.replace("-", "_")]
        print(json.dumps({"package": package, "version": importlib.metadata.version(package)}))
        for tool in tools:
            try:
                check(tool)
            except Exception as error:  # noqa: BLE001
                text = f"{type(error).__name__}: {error}"
                print(json.dumps({"package": package, "tool": tool["name"], "problem": text[:300]}))


main()
