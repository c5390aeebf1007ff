"""`/openapi.json`: the HTTP side as OpenAPI 3.1, from the table of operations and the routes' models."""

import inspect
import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from productflo.protocol.ids import FOREIGN_ID_PATTERN, ID_PATTERN
from productflo.web.guard import COOKIE
from productflo.web.operations import OPERATIONS, Caller, Content, Operation
from productflo.web.shapes import ErrorAnswer, UploadForm

Schema = dict[str, Any]
Schemas = dict[type[BaseModel], Schema]
"""Where the schema of each model stands."""

REF = "#/components/schemas/{model}"

_PARAMETER = re.compile(r"<(?:path:)?(\w+)>")
_IDS = {"room_id", "user_id", "team", "assistant"}

SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "token": {"type": "apiKey", "in": "query", "name": "token"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    "user": {"type": "apiKey", "in": "header", "name": "X-User-Id", "description": "On an open server."},
    "service": {"type": "apiKey", "in": "header", "name": "X-Service-Key"},
}
"""How one says who is calling; docs/reference/http.md tells more."""

_CALLERS = {Caller.ANYBODY: [], Caller.USER: [*SECURITY], Caller.SERVICE: ["service", "bearer"]}


def openapi() -> Schema:
    """The document; about as long as the protocol's reference."""
    operations = [one for section in OPERATIONS.values() for one in section]
    schemas, definitions = _schemas(operations)
    paths: Schema = {}
    for tag, section in OPERATIONS.items():
        for operation in section:
            path = paths.setdefault(_PARAMETER.sub(r"{\1}", operation.rule), {})
            path[operation.method.lower()] = _operation(operation, tag, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ProductFlo chat over HTTP",
            "version": version("productflo-chat"),
            "description": "Rooms, teams, files, sessions. Messages go over the WebSocket: /asyncapi.json.",
        },
        "tags": [{"name": tag} for tag in OPERATIONS],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": {"Error": _answer("What went wrong.", ErrorAnswer, schemas)},
            "securitySchemes": SECURITY,
        },
    }


def _schemas(operations: list[Operation]) -> tuple[Schemas, Schema]:
    """Where each model's schema is referred to, and all that are referred to."""
    wanted: dict[type[BaseModel], Literal["validation", "serialization"]] = {}
    for one in operations:
        wanted[one.failure] = "serialization"
        if one.body is not None:
            wanted[one.body] = "validation"
        if isinstance(one.answer, type):
            wanted[one.answer] = "serialization"
    found, definitions = models_json_schema([*wanted.items()], ref_template=REF)
    return {model: found[model, mode] for model, mode in wanted.items()}, definitions["$defs"]


def _operation(operation: Operation, tag: str, schemas: Schemas) -> Schema:
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [tag],
        "security": [{scheme: []} for scheme in _CALLERS[operation.caller]],
        "parameters": [*_in_path(operation.rule), *_in_query(operation.query)],
        "responses": {
            str(operation.status): _answer(operation.summary, operation.answer, schemas),
            "default": _failure(operation.failure, schemas),
        },
    }
    if operation.body is not None:
        media = "multipart/form-data" if operation.body is UploadForm else "application/json"
        described["requestBody"] = {
            "required": bool(_required(operation.body)),
            "content": {media: {"schema": schemas[operation.body]}},
        }
    return described


def _answer(description: str, content: Content, schemas: Schemas) -> Schema:
    match content:
        case None:
            return {"description": description}
        case str(media):
            return {"description": description, "content": {media: {}}}
        case model:
            shown = {"application/json": {"schema": schemas[model]}}
            return {"description": description, "content": shown}


def _failure(model: type[BaseModel], schemas: Schemas) -> Schema:
    if model is ErrorAnswer:
        return {"$ref": "#/components/responses/Error"}
    return _answer(inspect.getdoc(model) or "", model, schemas)


def _required(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


def _in_path(rule: str) -> Iterator[Schema]:
    for name in _PARAMETER.findall(rule):
        pattern = ID_PATTERN if name in _IDS else FOREIGN_ID_PATTERN
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}


def _in_query(model: type[BaseModel] | None) -> Iterator[Schema]:
    """A parameter for each field of the model; where one may be null it is left out instead."""
    for name, schema in model.model_json_schema()["properties"].items() if model else ():
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
        shown = {key: value for key, value in schema.items() if value is not None}
        yield {"name": name, "in": "query", "schema": {**shown, **(kinds[0] if kinds else {})}}
