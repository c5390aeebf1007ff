"""`/asyncapi.json`: the WebSocket side as AsyncAPI 3.0, from the models of the envelopes.

The document is the server's: what clients send it *receives*, and what it *sends* they hear.
"""

import inspect
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from productflo.protocol.codec import KNOWN
from productflo.protocol.outbound import OUTBOUND

Schema = dict[str, Any]

CHANNELS = {
    "chat": ("/ws", "With a token, or on an open server as whoever the first envelope says.", ["token"]),
    "secure": ("/ws/secure", "With a token always.", ["token", "access_token"]),
}
"""Name -> address, who comes in, and the parameters of the query that a token may stand in."""


def asyncapi() -> Schema:
    """The document; about as long as the protocol's reference."""
    heard = {str(code): model for code, model in KNOWN.items()}
    told = {model.__name__: model for model in OUTBOUND}
    heard_messages, heard_schemas = _messages(heard, "client", "validation")
    told_messages, told_schemas = _messages(told, "server", "serialization")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ProductFlo chat over WebSockets",
            "version": version("productflo-chat"),
            "description": "One JSON envelope a text message. Rooms and files over HTTP: /openapi.json.",
        },
        "defaultContentType": "application/json",
        "channels": {
            channel: {
                "address": address,
                "description": whom,
                "messages": {name: _ref("components", "messages", name) for name in (*heard, *told)},
                "bindings": {"ws": {"method": "GET", "query": _query(tokens), "bindingVersion": "0.1.0"}},
            }
            for channel, (address, whom, tokens) in CHANNELS.items()
        },
        "operations": {
            f"{channel}.{action}": _operation(channel, action, names)
            for channel in CHANNELS
            for action, names in (("receive", heard), ("send", told))
        },
        "components": {"messages": heard_messages | told_messages, "schemas": heard_schemas | told_schemas},
    }


def _messages(
    models: Mapping[str, type[BaseModel]], side: str, mode: Literal["validation", "serialization"]
) -> tuple[Schema, Schema]:
    """The messages, and the schemas that they refer to; both sides have a `TypingData` of their own."""
    template = f"#/components/schemas/{side}.{{model}}"
    found, definitions = models_json_schema([(one, mode) for one in models.values()], ref_template=template)
    messages = {
        name: {
            "name": name,
            "title": model.__name__,
            "summary": inspect.getdoc(model),
            "payload": found[model, mode],
        }
        for name, model in models.items()
    }
    return messages, {f"{side}.{name}": schema for name, schema in definitions["$defs"].items()}


def _operation(channel: str, action: str, names: Iterable[str]) -> Schema:
    return {
        "action": action,
        "channel": _ref("channels", channel),
        "messages": [_ref("channels", channel, "messages", name) for name in names],
    }


def _query(tokens: Iterable[str]) -> Schema:
    return {"type": "object", "properties": {name: {"type": "string"} for name in tokens}}


def _ref(*path: str) -> Schema:
    return {"$ref": "#/" + "/".join(path)}
