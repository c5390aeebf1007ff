"""The machine-readable descriptions: whole, well-formed, and true of the seed's examples."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import validate
from quart import Quart

from productflo.app import create_app
from productflo.protocol.asyncapi import asyncapi
from productflo.protocol.codec import KNOWN
from productflo.protocol.outbound import OUTBOUND
from productflo.settings import Settings
from productflo.web.openapi import openapi

SEED = runpy.run_path(str(Path(__file__).parents[1] / "integration" / "test_seed.py"))
SENT = ["CHAT", "TYPING", "READ_RECEIPT", "PRESENCE", "JOIN", "HISTORIC", "PRESENCE_IN_ROOM", "METADATA"]

Document = dict[str, Any]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Quart:
    """The whole application, which is not started."""
    settings = Settings(redis_url="unix:///nowhere.sock", data_dir=tmp_path_factory.mktemp("data"))
    return create_app(settings)


def check(document: Document, schema: str, value: object) -> None:
    """Raise `ValidationError` where a value is not what a schema of the document says."""
    components = {"components": document["components"]}
    Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **components}).validate(value)


def references(value: object) -> Iterator[str]:
    """Every reference within a document."""
    match value:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for one in value.values():
                yield from references(one)
        case list():
            for one in value:
                yield from references(one)


def resolve(document: Document, reference: str) -> Document:
    """What a reference leads to; fails where that is nothing."""
    assert reference.startswith("#/")
    found = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_every_http_route_is_described(app: Quart) -> None:
    """With each of its methods; and nothing is described that there is not."""
    routes = {
        f"{method} " + re.sub(r"<(?:path:)?(.+?)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if not rule.websocket
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    paths = openapi()["paths"]
    assert routes == {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def test_every_websocket_route_is_described(app: Quart) -> None:
    """Each is the address of a channel."""
    routes = {rule.rule for rule in app.url_map.iter_rules() if rule.websocket}
    assert routes == {channel["address"] for channel in asyncapi()["channels"].values()}


def test_openapi_is_openapi() -> None:
    """It has the shape that the specification asks for; names of operations are unique."""
    document = openapi()
    validate(document)
    operations = [one for path in document["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    schemes = document["components"]["securitySchemes"]
    assert {name for one in operations for need in one["security"] for name in need} == set(schemes)


def test_asyncapi_is_asyncapi() -> None:
    """The fields that AsyncAPI 3.0 requires are there, and every reference leads to what it must."""
    document = asyncapi()
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(document["info"])
    assert {operation["action"] for operation in document["operations"].values()} == {"send", "receive"}
    for operation in document["operations"].values():
        channel = operation["channel"]["$ref"]
        assert "address" in resolve(document, channel)
        assert operation["messages"]
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{channel}/messages/")
            (component,) = references(resolve(document, message["$ref"]))
            assert resolve(document, component) in document["components"]["messages"].values()
    for message in document["components"]["messages"].values():
        assert resolve(document, message["payload"]["$ref"])["required"]


@pytest.mark.parametrize("description", [openapi, asyncapi])
def test_every_reference_leads_somewhere(description: Any) -> None:
    """Names are made of what both specifications allow, and no schema is left over."""
    document = description()
    used = set(references(document))
    for reference in used:
        assert resolve(document, reference)
    schemas = document["components"]["schemas"]
    assert all(re.fullmatch(r"[\w.-]+", name) for name in schemas)
    assert {f"#/components/schemas/{name}" for name in schemas} <= used


def test_every_envelope_is_a_message() -> None:
    """Each model of the protocol, on its side."""
    operations = asyncapi()["operations"]
    for channel in ("chat", "secure"):
        assert len(operations[f"{channel}.receive"]["messages"]) == len(KNOWN)
        assert len(operations[f"{channel}.send"]["messages"]) == len(OUTBOUND)


@pytest.mark.parametrize("example", [*SENT, "ATTACHMENTS"])
def test_the_seed_s_examples_are_as_described(example: str) -> None:
    """What the page says to send is valid; under another code, or without its data, it is not."""
    document = asyncapi()
    envelope = SEED["printed"](SEED[example])
    payload = document["components"]["messages"][envelope["code"]]["payload"]["$ref"]
    schema = payload.rsplit("/", 1)[1]
    check(document, schema, envelope)
    for broken in ({**envelope, "code": "broadcast"}, {**envelope, "data": None}, {**envelope, "user_id": 7}):
        with pytest.raises(ValidationError):
            check(document, schema, broken)


def test_the_seed_s_answer_is_as_described() -> None:
    """What the page says that one receives is a message to the room."""
    check(asyncapi(), "server.ChatResponse", SEED["printed"](SEED["RECEIVED"]))
