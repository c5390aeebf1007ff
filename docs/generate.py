"""Writes the pages of docs/reference that can be made from the code: `.venv/bin/python docs/generate.py`.

tests/unit/test_reference.py fails when a page is not what this would write.
"""

import ast
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from assistants_page import page as assistants_page
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel

from assistants import metrics as worker_metrics
from assistants.limits import Limits
from benchmarks.page import benchmarks_page, capacity_page, scaling_drawing
from productflo import errors, metrics
from productflo.protocol import codes
from productflo.protocol.activity import Approval, Waiting
from productflo.protocol.answers import MemberInfo
from productflo.protocol.codec import KNOWN
from productflo.protocol.envelope import Outbound
from productflo.protocol.inbound import Inbound
from productflo.protocol.messages import AnswerContext, AnswerData, Decided, FileNote, RequestInfo, ToolCall
from productflo.protocol.outbound import OUTBOUND
from productflo.settings import Settings

REFERENCE = Path(__file__).parent / "reference"

PROTOCOL = """# The WebSocket protocol

<!-- Made by docs/generate.py from productflo/protocol. -->

Connect to `/ws`, or with a token to `/ws/secure`, and send one JSON object a message. `user_id` is the same
on every envelope of a connection; on a server with tokens it is the token's subject. Unknown fields are
ignored. What is promised stands in [guarantees](../explanation/guarantees.md); this page lists.

Ids of users, rooms and teams are 1 to 128 of `A-Z a-z 0-9 _ . : @ -`. Times are UTC, milliseconds, `Z`.
"""

REGISTERED = """### A code that an assistant registers

An assistant may own codes of its own, such as `bom_check`; `GET /api/assistants` lists them as `requests`.
`data` is as its assistant asks for, beside what every request has: `message_id`, `attached_files`, `reply_to`
and `metadata`, as in a chat. The room must have the assistant; the answer is a `<code>_response`.

```json
{"code": "bom_check", "user_id": "user_456", "room_id": "conversation_123", "data": {"part": "A-7"}}
```

Every request is a message of its sender in the room's log, a `chat_response` whose `message` is the `query`
(or its fields, where it has none) and whose `data.request` has the fields. It wakes the assistant that owns
the code and no other. Where the assistant fails, its answer has the state `failed`, and the asker is told by
an error with the code `HAITCH_CHAT_ERROR`, `IDEA_GENERATION_ERROR`, `DOCUMENTATION_ERROR` or
`ENGINEERING_ERROR`, for other codes `PROCESSING_ERROR`. Pieces of an answer that is
being written are always `chat_response`.
"""

ERRORS = """## Errors

An error is a `system` envelope with status `error`. It does not close the connection; one after the other,
without end, does: see [limits](../how-to/secure.md#limit-what-one-client-may-do).
"""

METRICS = """# Metrics

<!-- Made by docs/generate.py from productflo/metrics.py and assistants/metrics.py. -->

`GET /metrics` tells them in Prometheus's formats; who may ask, and useful alerts, stand in
[watch it](../how-to/watch.md). They are those of all web processes of one
`productflo serve`, and start at 0 with it.
"""

LIMITS = """# Limits of an assistant

<!-- Made by docs/generate.py from assistants/limits.py. -->

Written by its author in `@assistant(..., limits={...})`, or by the operator in `assistants.toml`. What has no
default is not limited. How they work stands in [limit what assistants cost](../how-to/limit-costs.md).
"""

EXAMPLES: dict[codes.Code, dict[str, Any]] = {
    codes.Code.JOIN: {"stream": True, "since": 41, "generation": "1795411475305"},
    codes.Code.LEAVE: {},
    codes.Code.CHAT: {"message": "@haitch which screws?", "sender": "user_456", "message_id": "msg_1"},
    codes.Code.EDIT: {"message_id": "msg_1", "message": "@haitch which screws, M4?"},
    codes.Code.DELETE: {"message_id": "msg_1"},
    codes.Code.REACTION: {"message_id": "msg_1", "emoji": "\N{THUMBS UP SIGN}", "action": "add"},
    codes.Code.FEEDBACK: {"message_id": "msg_7k2mq", "rating": "up"},
    codes.Code.TYPING: {"status": "started", "sender": "user_456"},
    codes.Code.READ_RECEIPT: {"message_id": "msg_1", "sender": "user_456"},
    codes.Code.PRESENCE: {"status": "busy", "sender": "user_456"},
    codes.Code.HISTORIC: {"conversation_id": "conversation_123", "before": 41, "limit": 20},
    codes.Code.STOP: {"message_id": "msg_7k2mq"},
    codes.Code.REGENERATE: {"message_id": "msg_7k2mq"},
    codes.Code.PING: {},
    codes.Code.HAITCH_CHAT: {
        "query": "Which of these screws holds 40 N?",
        "doc_type": "datasheet",
        "source_urls": ["https://example.com/screws.html"],
    },
    codes.Code.IDEA: {"query": "A bracket that needs no screws", "constraints": ["one part"], "count": 3},
    codes.Code.DOCUMENTATION: {"query": "The drop test of the bracket", "doc_type": "test_plan"},
    codes.Code.ENGINEERING: {"query": "Can this be milled from one side?", "discipline": "dfm"},
}


def attribute_docs(owner: type) -> dict[str, str]:
    """The strings that stand below a class's attributes."""
    (body,) = (one for one in ast.parse(inspect.getsource(owner)).body if isinstance(one, ast.ClassDef))
    docs = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if isinstance(statement, ast.Assign) and isinstance(following, ast.Expr):
            name, text = statement.targets[0], following.value
            if isinstance(name, ast.Name) and isinstance(text, ast.Constant):
                docs[name.id] = inspect.cleandoc(str(text.value)).replace("\n", " ")
    return docs


def kind(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        return kind(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    if "anyOf" in schema:
        return " or ".join(kind(one, definitions) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    match schema.get("type"):
        case "array":
            return f"list of {kind(schema.get('items', {}), definitions)}" + _bounds(schema, "Items")
        case "integer":
            return "integer" + _range(schema)
        case "string":
            return "string" + _bounds(schema, "Length")
        case str(other):
            return other
    return "anything"


def _range(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    return f" {low} to {high}" if low is not None and high is not None and high < 2**53 - 1 else ""


def _bounds(schema: dict[str, Any], of: str) -> str:
    high = schema.get(f"max{of}")
    return f", at most {high:,}" if high is not None else ""


def fields(model: type[BaseModel]) -> Iterator[str]:
    """The rows of a table of a model's fields."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    for name, described in schema.get("properties", {}).items():
        must = "yes" if name in schema.get("required", ()) else _default(described)
        yield f"| `{name}` | {kind(described, definitions)} | {must} | {described.get('description', '')} |"


def _default(described: dict[str, Any]) -> str:
    default = described.get("default")
    return "" if default in (None, [], {}) else f"`{json.dumps(default)}`"


def table(model: type[BaseModel], third: str) -> str:
    """A model's fields as a table; a sentence where there are none."""
    rows = list(fields(model))
    if not rows:
        return "`data` is `{}`.\n"
    return "\n".join([f"| field of `data` | type | {third} | |", "|---|---|---|---|", *rows]) + "\n"


def section(title: str, model: type[BaseModel], third: str) -> str:
    """An envelope: what it is for, and what its `data` holds."""
    data = get_type_hints(model)["data"]
    return f"### {title}\n\n{inspect.getdoc(model)}\n\n{table(data, third)}"


def example(code: codes.Code, model: type[Inbound]) -> str:
    """An envelope that the model takes, as JSON."""
    shown = {"code": code, "user_id": "user_456", "room_id": "conversation_123", "data": EXAMPLES[code]}
    model.model_validate(shown)
    return f"```json\n{json.dumps(shown, ensure_ascii=False)}\n```\n"


def envelope(model: type[BaseModel], third: str) -> str:
    """The fields around `data`."""
    rows = [row for row in fields(model) if not row.startswith("| `code` |")]
    own = [
        "| `code` | string | yes | What it is: one of those below. |",
        *rows,
        "| `data` | object | yes | |",
    ]
    return "\n".join([f"| field | type | {third} | |", "|---|---|---|---|", *own])


NESTED: tuple[tuple[type[BaseModel], str], ...] = (
    (MemberInfo, "A member"),
    (RequestInfo, "`request` of a message"),
    (AnswerData, "`assistant` of a message"),
    (AnswerContext, "`context` of an answer"),
    (FileNote, "A file of `context`"),
    (ToolCall, "One of `tools`"),
    (Decided, "One of `approvals`"),
    (Waiting, "One of `waiting`"),
    (Approval, "`approval` of a notification"),
)


def protocol() -> str:
    """docs/reference/protocol.md."""
    parts = [PROTOCOL, "## What a client sends\n", envelope(Inbound, "required"), ""]
    for code, inbound in KNOWN.items():
        parts += [section(f"`{code}`", inbound, "required, or default"), example(code, inbound)]
    parts += [REGISTERED, "## What the server sends\n", envelope(Outbound, "always there"), ""]
    for model in OUTBOUND:
        code = model.model_fields["code"].default
        status = model.model_fields["status"].default
        told = "" if status == codes.Status.SUCCESS else f", status `{status}`"
        parts.append(section(f"{model.__name__}: `{code}`{told}", model, "always there"))
    for nested, title in NESTED:
        parts.append(f"### {title}\n\n{inspect.getdoc(nested)}\n\n{table(nested, 'always there')}")
    parts += [_errors(), _closes(), _codes()]
    return "\n".join(parts)


def _errors() -> str:
    told = [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.ProductFloError)
    ]
    own = [one for one in told[1:] if "code" in vars(one)]
    rows = [f"| `{one.code}` | {inspect.getdoc(one)} |".replace("\n", " ") for one in own]
    shown = {str(one.code) for one in own}
    rest = [f"| `{code}` | {_REST[code]} |" for code in errors.ErrorCode if code not in shown]
    return "\n".join([ERRORS, "| `data.code` | when |", "|---|---|", *sorted({*rows, *rest}), ""])


_FAILED = "A request of this kind failed as a whole, or no assistant of the room can answer it now."
_REST = {
    errors.ErrorCode.HAITCH_CHAT_ERROR: _FAILED,
    errors.ErrorCode.IDEA_GENERATION_ERROR: _FAILED,
    errors.ErrorCode.DOCUMENTATION_ERROR: _FAILED,
    errors.ErrorCode.ENGINEERING_ERROR: _FAILED,
    errors.ErrorCode.PROCESSING_ERROR: "The server failed; the log says why.",
}


def _closes() -> str:
    docs = attribute_docs(codes.CloseCode)
    rows = [f"| {one.value} | {docs[one.name]} |" for one in sorted(codes.CloseCode)]
    return "\n".join(["## Close codes\n", "| code | |", "|---|---|", *rows, ""])


def _codes() -> str:
    reserved = ", ".join(f"`{code}`" for code in sorted(codes.SERVER_ONLY))
    return f"## Only the server sends\n\n{reserved}. A client that sends one gets `PERMISSION_DENIED`.\n"


def settings() -> str:
    """docs/reference/settings.md."""
    rows = []
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or f"PRODUCTFLO_{name.upper()}")
        default = field.get_default()
        shown = ",".join(default) if isinstance(default, tuple) else default
        value = "" if shown in (None, "") else f"`{shown}`"
        rows.append(f"| `{variable}` | {value} | {field.description} |")
    head = "# Settings\n\n<!-- Made by docs/generate.py from productflo/settings.py. -->\n"
    intro = "Environment variables, read once at the start. `productflo settings` shows what is in force.\n"
    return "\n".join([head, intro, "| variable | default | |", "|---|---|---|", *rows, ""])


WORKER_METRICS = """
## Of a worker

Each assistants worker tells its own, on the port that `PRODUCTFLO_WORKER_METRICS_PORT` names. Those above
that concern its part in the store are there as well.
"""


def metrics_page() -> str:
    """docs/reference/metrics.md."""
    return "\n".join([METRICS, *_metrics_of(metrics), WORKER_METRICS, *_metrics_of(worker_metrics), ""])


def _metrics_of(module: ModuleType) -> list[str]:
    rows = ["| metric | type | labels | |", "|---|---|---|---|"]
    for metric in vars(module).values():
        if isinstance(metric, MetricWrapperBase):
            (described,) = metric.describe()
            name = f"{described.name}_total" if described.type == "counter" else described.name
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)
            rows.append(f"| `{name}` | {described.type} | {labels} | {described.documentation} |")
    return rows


def limits_page() -> str:
    """docs/reference/limits.md."""
    rows = []
    for name, field in Limits.model_fields.items():
        default = "" if field.default is None else f"`{field.default:g}`"
        rows.append(f"| `{name}` | {default} | {field.description} |")
    return "\n".join([LIMITS, "| limit | default | |", "|---|---|---|", *rows, ""])


PAGES = {
    "protocol.md": protocol,
    "settings.md": settings,
    "metrics.md": metrics_page,
    "assistants.md": assistants_page,
    "limits.md": limits_page,
    "benchmarks.md": benchmarks_page,
    "capacity.md": capacity_page,
    "scaling.svg": scaling_drawing,
}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())


if __name__ == "__main__":
    main()
