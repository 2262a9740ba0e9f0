"""Records what airbyte-agent-sdk sends for each operation of each connector it comes with, and what it makes of an answer.

usage: record.py OUT

There is no network: every request gets a made-up answer where the HTTP library would open a connection. OUT gets a line of
JSON for each call. make test-airbyte runs this; the package is installed for it, and nothing of it is kept.
"""

import asyncio
import base64
import copy
import json
import logging
import os
import random
import re
import sys
import tempfile
import warnings
from multiprocessing import Pool
from pathlib import Path

os.environ["AIRBYTE_TELEMETRY_MODE"] = "disabled"
os.environ["HOME"] = tempfile.mkdtemp()
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
sys.dont_write_bytecode = True  # beside the sources

import airbyte_agent_sdk  # noqa: E402
import cases  # noqa: E402
import httpx  # noqa: E402
import yaml  # noqa: E402
from airbyte_agent_sdk.connector_model_loader import parse_connector_model  # noqa: E402
from airbyte_agent_sdk.executor import ExecutionConfig, LocalExecutor  # noqa: E402
from airbyte_agent_sdk.secrets import SecretStr  # noqa: E402
from airbyte_agent_sdk.types import Action  # noqa: E402

SPECS = Path(airbyte_agent_sdk.__file__).parent / "specs"
ODD = "o'dd %20/?&=+#,:@\u00fc \u4e2d"  # what must be escaped


NEXT = "https://next.made-up.example/services/data/v59.0/query/01g-2000?page=4&cursor=c&offset=4&after=c&page_info=c&page_token=c&page.token=c&page%5Bafter%5D=c&page%5Bcursor%5D=c&start_time=4&start=4&Page=1&PageToken=c"


class Wire:
    """The place of the network: it notes requests, and answers them."""

    def __init__(self):
        self.requests = []
        self.answer = None

    async def handle(self, request):
        body = await request.aread()
        shown = {
            "method": request.method,
            "origin": f"{request.url.scheme}://{request.url.netloc.decode()}",
            "target": request.url.raw_path.decode(),
            "headers": {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in request.headers.raw},
            "body": base64.b64encode(body).decode(),
        }
        self.requests.append(shown)
        status, headers, content = self.answer(shown)
        return httpx.Response(status, headers=headers, content=content, request=request)


WIRE = Wire()


async def instead(_transport, request):
    return await WIRE.handle(request)


httpx.AsyncHTTPTransport.handle_async_request = instead


OWN = Path(__file__).parent / "testdata" / "quarry.yaml"  # of a made-up vendor


def place_of(name):
    return OWN if name == "quarry" else SPECS / name / "connector.yaml"


class Document:
    """A connector's description, with its references followed."""

    def __init__(self, name):
        self.name = name
        self.raw = yaml.load(place_of(name).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.model = parse_connector_model(copy.deepcopy(self.raw))
        self.operations = {}
        for path, item in self.raw["paths"].items():
            for method, operation in item.items():
                if isinstance(operation, dict) and "x-airbyte-entity" in operation:
                    self.operations[operation["x-airbyte-entity"], operation["x-airbyte-action"]] = operation, path

    def resolve(self, schema):
        while isinstance(schema, dict) and "$ref" in schema:
            schema = self.raw["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema if isinstance(schema, dict) else {}

    def config(self):
        """Values for what servers and parameters need of a connection."""
        values = {}
        for name, variable in (self.raw["servers"][0].get("variables") or {}).items():
            default = str(variable.get("default", ""))
            if variable.get("enum"):
                values[name] = default
            elif "://" in default:
                values[name] = "https://made-up.my.salesforce.com"
            elif "." in default and not default.startswith("{"):
                values[name] = default
            else:
                values[name] = "made-up"
        return values


def kind(schema):
    t = schema.get("type")
    if isinstance(t, list):
        t = next((x for x in t if x != "null"), None)
    return t or ("object" if "properties" in schema else "array" if "items" in schema else None)


def made(doc, schema, name, case, depth=0):
    """A valid value of a schema: small, large, or with odd characters."""
    schema = doc.resolve(schema)
    for key in ("oneOf", "anyOf"):
        if schema.get(key):
            return made(doc, schema[key][0], name, case if "properties" not in doc.resolve(schema[key][0]) else "min", depth)
    if schema.get("enum"):
        return [v for v in schema["enum"] if v is not None][0 if case != "max" else -1]
    t = kind(schema)
    if t == "integer":
        return int(min(max(schema.get("minimum", 3), 3), schema.get("maximum", 3)))
    if t == "number":
        return 2.5
    if t == "boolean":
        return case == "max"
    if t == "array":
        item = doc.resolve(schema.get("items") or {})
        one = made(doc, item, name, case, depth + 1)
        if item.get("enum"):
            return item["enum"][:2]
        return [one] if case == "min" else [one, made(doc, item, name + "2", case, depth + 1)]
    if t == "object":
        properties = schema.get("properties") or {}
        if depth > 3:
            return {}
        if not properties:
            return {"key": "value"}
        chosen = list(properties)[:8] if case != "min" else [k for k in properties if k in (schema.get("required") or [])]
        for k in schema.get("required") or [] if isinstance(schema.get("required"), list) else []:
            if k not in chosen and k in properties:
                chosen.append(k)
        return {k: made(doc, properties[k], k, case, depth + 1) for k in chosen}
    if schema.get("pattern"):
        return next((x for x in ("1234567890", "abc", "1") if re.search(schema["pattern"], x)), "1234567890")
    form = {"date": "2026-02-03", "date-time": "2026-02-03T04:05:06Z", "byte": base64.b64encode(b"bytes").decode()}.get(schema.get("format"))
    text = form or (ODD if case == "odd" else f"{name}-value")
    return text[: schema["maxLength"]] if "maxLength" in schema else text


def parameters(doc, operation, path, endpoint, case):
    """Parameters of a call: those that are necessary, or all."""
    params = {}
    for p in operation.get("parameters") or []:
        schema = doc.resolve(p["schema"])
        if p["in"] == "path":
            params[p["name"]] = made(doc, schema, p["name"], case)
        elif p["in"] == "query":
            if case != "min" or (p.get("required") and schema.get("default") in (None, "", []) and "x-airbyte-param-config-inject" not in p):
                params[p["name"]] = made(doc, schema, p["name"], case)
        elif p.get("required") and "default" not in schema:
            params[p["name"]] = made(doc, schema, p["name"], "min")
    shown = (operation.get("x-airbyte-path-override") or {}).get("path", path)
    for name in re.findall(r"\{(\w+)\}", shown):
        params.setdefault(name, made(doc, {}, name, case))
    body = operation.get("requestBody") or {}
    content = next(iter((body.get("content") or {}).values()), {})
    schema = doc.resolve(content.get("schema") or {})
    if kind(schema) == "array":
        schema = doc.resolve(schema.get("items") or {})
    properties, required = schema.get("properties") or {}, schema.get("required") or []
    graphql = body.get("x-airbyte-body-type")
    if graphql:
        for name in re.findall(r"\{\{ (\w+) \}\}", json.dumps(graphql.get("variables") or {})):
            if case != "min" or name in required:
                params.setdefault(name, made(doc, properties.get(name, {"type": "string"}), name, case))
        return params
    for name, property_ in properties.items():
        if case != "min" or name in required:
            params.setdefault(name, made(doc, property_, name, case))
    if not properties and schema.get("additionalProperties"):
        params.setdefault("some_field", "some value")
    upload = operation.get("x-airbyte-upload-file-param")
    if upload:
        params[upload] = base64.b64encode(b"a file").decode()
    return params


def sample(doc, schema, name="x", depth=0):
    """An answer that a schema describes."""
    schema = doc.resolve(schema)
    for key in ("oneOf", "anyOf", "allOf"):
        if schema.get(key):
            return sample(doc, schema[key][0], name, depth)
    if schema.get("enum"):
        return schema["enum"][0]
    t = kind(schema)
    if t == "object":
        return {k: sample(doc, v, k, depth + 1) for k, v in list((schema.get("properties") or {}).items())[:12]} if depth < 5 else {}
    if t == "array":
        return [sample(doc, schema.get("items") or {}, name + str(i), depth + 1) for i in (1, 2)] if depth < 5 else []
    return {"integer": 7, "number": 2.5, "boolean": True, "null": None}.get(t, f"a {name}")


def place(node, steps, leaf):
    """node, in which a path leads to something."""
    if not steps:
        return leaf if node is None or node == [] or isinstance(node, str) else node
    step, rest = steps[0], steps[1:]
    if step == "*" and isinstance(node, dict) and node:
        return {k: place(v, rest, leaf) for k, v in node.items()}
    if step == "*" or step.isdigit():
        node = node if isinstance(node, list) and node else [None] * (2 if step == "*" else int(step) + 1)
        return [place(x, rest, leaf) for x in node]
    node = dict(node) if isinstance(node, dict) else {}
    node[step] = place(node.get(step), rest, leaf)
    return node


def answer(doc, operation):
    """What the vendor answers: status, headers, content."""
    headers = {"Content-Type": "application/json"}
    action, file_at = operation["x-airbyte-action"], operation.get("x-airbyte-file-url")
    if action == "download" and not file_at:
        return 200, {"Content-Type": "application/octet-stream"}, b"the bytes of a file"
    good = [(code, r) for code, r in operation["responses"].items() if str(code).startswith("2")]
    schema = next((c["schema"] for _, r in good for m, c in (r.get("content") or {}).items() if "json" in m and "schema" in c), None)
    if schema is None and any(str(code) == "204" for code, _ in good):
        return 204, {}, b""
    body = sample(doc, schema) if schema is not None else {"id": "an id"}
    steps = lambda path: re.findall(r"[\w@-]+|\*", path[1:])  # noqa: E731
    extractor = operation.get("x-airbyte-record-extractor")
    if extractor and extractor != "$":
        many = action in ("list", "search") and "*" not in extractor
        body = place(body, steps(extractor), [{"id": "one"}, {"id": "two"}] if many else {"id": "one"})
    if operation.get("x-airbyte-record-filter"):
        for records in body.values():
            for i, record in enumerate(records if isinstance(records, list) else []):
                record["isPrivate"] = i == 0
                record["metaData"] = {**(record.get("metaData") or {}), "isPrivate": i == 0}
    for name, path in (operation.get("x-airbyte-meta-extractor") or {}).items():
        if path.startswith("@link."):
            headers["Link"] = f'<{NEXT}>; rel="{path[6:]}"'
        elif path.startswith("@header."):
            headers[path[8:]] = "a header"
        else:
            body = place(body, steps(path), True if re.search("has_|more|has[A-Z]", name) else NEXT)
    if file_at:
        where = re.findall(r"\w+", re.sub(r"\{\w+\}", "0", file_at))
        body = place(body, where, None)
        node = body
        for step in where[:-1]:
            node = node[int(step) if isinstance(node, list) else step]
        node[where[-1]] = "https://files.made-up.example/a?b=c%2Fd"
    check = doc.raw["info"].get("x-airbyte-response-error-check")
    if check and isinstance(body, dict):
        body[check["field"]] = not check["on_value"]
    return 200, headers, json.dumps(body).encode()


KEY = None


def credentials(spec):
    """A value for each field of a security scheme."""
    global KEY
    values = {}
    for name, field in (spec.properties or {}).items():
        values[name] = f"made-up-{name}"
        if "AC" in (getattr(field, "pattern", None) or ""):
            values[name] = "AC-made-up"
        if name == "credentials_json":
            if KEY is None:
                from cryptography.hazmat.primitives import serialization
                from cryptography.hazmat.primitives.asymmetric import rsa

                key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
                KEY = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
            values[name] = json.dumps({"type": "service_account", "client_email": "robot@made-up.example", "private_key": KEY})
    return values


TOKEN = {"access_token": "fetched-token", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "next-refresh", "instance_url": "https://fetched.my.salesforce.com"}


async def call(doc, executor, entity, action, params, *replies):
    """What one call sends, and what comes out. Of several replies, the last one is given again and again."""
    WIRE.requests = []
    left, reply = list(replies), replies[0]

    def route(request):
        if len(replies) > 1:
            return left.pop(0) if len(left) > 1 else left[0]
        if b"grant_type" in base64.b64decode(request["body"]):
            return 200, {"Content-Type": "application/json"}, json.dumps(TOKEN).encode()
        if request["origin"] == "https://files.made-up.example":
            return 200, {"Content-Type": "application/octet-stream"}, b"the bytes of a file"
        return reply

    WIRE.answer = route
    row = {"answer": {"status": reply[0], "headers": reply[1], "body": base64.b64encode(reply[2]).decode()}}
    try:
        result = await asyncio.wait_for(executor.execute(ExecutionConfig(entity=entity, action=action, params=copy.deepcopy(params))), 20)
        data = result.data
        if hasattr(data, "__aiter__"):
            data = {"base64": base64.b64encode(b"".join([chunk async for chunk in data])).decode()}
        row["result"] = {"success": result.success, "data": data, "meta": result.meta, "error": result.error}
    except Exception as e:  # noqa: BLE001
        row["result"] = {"success": False, "error": f"{type(e).__name__}: {e}"[:300]}
    row["requests"] = WIRE.requests
    return row


def schemes(model):
    return [(o.scheme_name, o.user_config_spec) for o in model.auth.options] if model.auth.is_multi_auth() else [(None, model.auth.user_config_spec)]


async def record(name):
    random.seed(1)
    doc = Document(name)
    model, config = doc.model, doc.config()
    declared = list(doc.raw["components"]["securitySchemes"])
    rows = []
    scheme, spec = schemes(model)[0]
    given = credentials(spec)
    executor = LocalExecutor(model=model, auth_config=dict(given), auth_scheme=scheme, config_values=config)
    oauth = doc.raw["components"]["securitySchemes"][scheme or declared[0]]["type"] == "oauth2"
    if oauth and not executor.secrets.get("access_token"):
        executor.secrets["access_token"] = SecretStr("fetched-token")
    base = {"connector": name, "config": config, "scheme": scheme or declared[0], "credentials": given}
    for entity in model.entities:
        for action, endpoint in entity.endpoints.items():
            operation, path = doc.operations[entity.name, action.value]
            for case in ("min", "max", "odd"):
                params = parameters(doc, operation, path, endpoint, case)
                row = await call(doc, executor, entity.name, action, params, answer(doc, operation))
                rows.append({**base, "kind": "call", "entity": entity.name, "action": action.value, "case": case, "params": params, **row})
    await executor.close()
    # Each scheme, with the operation that its document checks credentials with.
    operations = [(e.name, a, p) for e in model.entities for a, p in e.endpoints.items()]
    preferred = [o for o in operations if o[2].preferred_for_check] or [o for o in operations if o[1] == Action.LIST] or operations
    entity, action, endpoint = preferred[0]
    operation, path = doc.operations[entity, action.value]
    params = parameters(doc, operation, path, endpoint, "min")
    for scheme, spec in schemes(model):
        every = credentials(spec)
        cases = {"all": every}
        if "access_token" in every and "refresh_token" in every:
            cases["refresh"] = {k: v for k, v in every.items() if k != "access_token"}
        for case, values in cases.items():
            row = {"connector": name, "config": config, "scheme": scheme or declared[0], "credentials": values}
            try:
                executor = LocalExecutor(model=model, auth_config=dict(values), auth_scheme=scheme, config_values=dict(config))
                row.update(await call(doc, executor, entity, action, params, answer(doc, operation)))
                await executor.close()
            except Exception as e:  # noqa: BLE001
                row.update(requests=[], answer=None, result={"success": False, "error": f"{type(e).__name__}: {e}"[:300]})
            rows.append({**row, "kind": "scheme", "entity": entity, "action": action.value, "case": case, "params": params})
    return "".join(json.dumps(row) + "\n" for row in rows)


async def record_cases(name):
    """The calls of cases.py."""
    doc = Document(name)
    declared = list(doc.raw["components"]["securitySchemes"])
    rows = []
    for title, connector, entity, action, params, answers, scheme, creds, config in cases.CASES:
        if connector != name:
            continue
        chosen, spec = next((s for s in schemes(doc.model) if s[0] == scheme), schemes(doc.model)[0])
        given = credentials(spec) if creds is None else creds
        values = doc.config() if config is None else config
        row = {"connector": name, "kind": "case", "title": title, "entity": entity, "action": action, "params": params}
        row.update(config=plain(values), scheme=chosen or declared[0], credentials=given)
        try:
            executor = LocalExecutor(model=doc.model, auth_config=dict(given), auth_scheme=scheme if scheme is not None else chosen, config_values=dict(values))
            row.update(await call(doc, executor, entity, Action(action), params, *answers))
            await executor.close()
        except Exception as e:  # noqa: BLE001
            row.update(requests=[], result={"success": False, "error": f"{type(e).__name__}: {e}"[:300]})
        row["answers"] = [{"status": s, "headers": h, "body": base64.b64encode(b).decode()} for s, h, b in answers]
        rows.append(row)
    return "".join(json.dumps(finite(row)) + "\n" for row in rows)


def finite(value):
    """A value that JSON has: what the SDK makes of 1e400 is none."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [finite(v) for v in value]
    return str(value) if value == float("inf") else value


def plain(values):
    """The values of a connection as texts: a list of one is its element, and another list is nothing."""
    texts = {}
    for name, value in values.items():
        if isinstance(value, list):
            if len(value) != 1:
                continue
            value = value[0]
        texts[name] = value
    return texts


def one(name):
    rows = "" if name == "quarry" else asyncio.run(record(name))
    return rows + asyncio.run(record_cases(name))


def main():
    names = sorted(p.parent.name for p in SPECS.glob("*/connector.yaml"))
    names.append("quarry")
    names.sort(key=lambda n: -place_of(n).stat().st_size)
    with Pool() as pool, open(sys.argv[1], "w") as out:
        for rows in pool.imap_unordered(one, names):
            out.write(rows)


if __name__ == "__main__":
    main()
