"""Check requests against the OpenAPI documents that they belong to, with openapi-core.

    check.py REQUESTS.jsonl

Prints a line that begins with "wrong: " for each request that its document does not allow.
"""

import base64
import json
import sys
from urllib.parse import parse_qsl, unquote

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict


class Request:
    def __init__(self, sent):
        self.host_url = sent["origin"]
        self.path = unquote(sent["path"])
        self.method = sent["method"].lower()
        self.headers = Headers(sent["headers"])
        self.body = base64.b64decode(sent["body"] or "")
        self.content_type = sent["headers"].get("Content-Type", "") if self.body else ""
        pairs = parse_qsl(sent["query"], keep_blank_values=True)
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(pairs), header=self.headers, cookie=ImmutableMultiDict()
        )


FORMATS = {"date", "date-time", "email", "uuid", "uri", "binary", "byte", "int32", "int64", "float", "double"}


def adapt(v):
    """Take out of a document what the validator does not do as OpenAPI says.

    It knows no formats but some, and requires the members of a request that are read-only.
    """
    if isinstance(v, list):
        return [adapt(e) for e in v]
    if not isinstance(v, dict):
        return v
    v = {key: adapt(value) for key, value in v.items()}
    if v.get("format") == "guid":
        v["format"] = "uuid"
    if isinstance(v.get("format"), str) and v["format"] not in FORMATS:
        del v["format"]
    properties, required = v.get("properties"), v.get("required")
    if isinstance(required, list):
        own = properties if isinstance(properties, dict) else {}
        hidden = {name for name, p in own.items() if isinstance(p, dict) and p.get("readOnly")}
        v["required"] = [name for name in required if name not in hidden]
        if not v["required"]:
            del v["required"]
    return {key: value for key, value in v.items() if key != "readOnly" or isinstance(value, dict)}


def load(file, server):
    with open(file, encoding="utf-8") as f:
        text = f.read()
    document = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=yaml.CSafeLoader)
    if server:
        document["servers"] = [{"url": server}]
    return OpenAPI.from_dict(adapt(document), config=Config(spec_validator_cls=None))


def main():
    documents = {}
    checked = 0
    with open(sys.argv[1], encoding="utf-8") as f:
        for line in f:
            sent = json.loads(line)
            key = sent["document"]
            if key not in documents:
                documents.clear()  # they come one after the other, and are large
                documents[key] = load(key, sent["server"])
            checked += 1
            try:
                errors = documents[key].unmarshal_request(Request(sent)).errors
            except Exception as e:  # what the validator does not understand is wrong too
                errors = [e]
            for e in errors:
                cause = e.__cause__
                why = "; ".join(str(x).split("\n")[0] for x in getattr(cause, "schema_errors", [])) or repr(cause or "")
                print(f"wrong: {sent['operation'][:300]}: {e!r}"[:500], why[:400])
    print(f"{checked} requests checked with openapi-core")


main()
