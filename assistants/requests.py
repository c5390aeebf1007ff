"""Typed requests and commands, on the assistant's side: what it registers, and what it is asked with."""

import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from assistants.errors import AssistantError
from assistants.messages import Message
from productflo.protocol.answers import System, SystemData
from productflo.protocol.codec import first_problem
from productflo.protocol.codes import Status
from productflo.protocol.requests import COMMON, QUERY, RESERVED, can_be_registered
from productflo.service.requests import failed

COMMAND = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""What follows the `/`."""
MAX_DOES = 120
"""Characters of what a command does: a line in a list."""


class BadRequest(AssistantError):
    """A request whose fields are not what its assistant's model asks for."""


def check_requests(assistant_id: str, requests: Mapping[str, type[BaseModel]]) -> None:
    """Raises ValueError or TypeError, whose text says what is wrong with what an assistant registers."""
    for code, model in requests.items():
        where = f"assistant {assistant_id}: request {code!r}"
        if not can_be_registered(code):
            raise ValueError(
                f"{where}: use 2 to 48 lower-case letters, digits and _, no code of the protocol, and no "
                "`_response` at the end; for instance 'bom_check'"
            )
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(f"{where} needs a subclass of pydantic.BaseModel, not {model!r}")
        taken = sorted((RESERVED - _inherited(model)) & set(model.model_fields))
        if taken:
            raise ValueError(f"{where}: a field may not be called {', '.join(taken)}; that is the envelope's")


def _inherited(model: type[BaseModel]) -> frozenset[str]:
    """The common fields of the protocol's own requests, whose models stand for the whole of `data`."""
    return COMMON if set(model.model_fields) >= COMMON else frozenset()


def check_commands(assistant_id: str, commands: Mapping[str, str]) -> None:
    """As `check_requests`; `commands` are names, without the `/`, with what they do."""
    for name, does in commands.items():
        if not COMMAND.fullmatch(name):
            raise ValueError(
                f"assistant {assistant_id}: command {name!r}: use 1 to 32 lower-case letters, digits, _ "
                "and -, without the /"
            )
        if not does.strip() or len(does) > MAX_DOES:
            raise ValueError(
                f"assistant {assistant_id}: say in 1 to {MAX_DOES} characters what the command {name} does"
            )


def schemas(requests: Mapping[str, type[BaseModel]]) -> dict[str, dict[str, Any]]:
    """The JSON schema of each request, by which the server checks one before it is in the room."""
    return {code: model.model_json_schema() for code, model in requests.items()}


async def refuse(problem: BadRequest) -> AsyncGenerator[str, None]:
    """An answer that fails at once."""
    raise problem
    yield ""  # What makes it a generator.


def is_typed(message: Message) -> bool:
    """Whether a message is a typed request, and not a chat or a command."""
    return message.request_code is not None and not message.is_command


def failure(room: str, message: Message, text: str, timestamp: str) -> System:
    """What the asker of a typed request is told when it failed: the answer in the room says it too."""
    code = message.request_code or ""
    return System(
        status=Status.ERROR,
        user_id=message.sender,
        room_id=room,
        timestamp=timestamp,
        data=SystemData(code=failed(code, text).code, message=text, request_code=code, message_id=message.id),
    )


def read(requests: Mapping[str, type[BaseModel]], message: Message) -> BaseModel | None:
    """The request in a message as its model; None where the message is none, or a command.

    `query` is the message's text as it is now. Raises `BadRequest`, whose text names the field.
    """
    model = requests.get(message.request_code or "")
    if model is None or message.request is None:
        return None
    fields = {name: value for name, value in message.request.items() if name not in ("code", "assistant")}
    if QUERY in model.model_fields:
        fields[QUERY] = message.text
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problem = first_problem(error)
        # Without its cause, which shows values: what a room says does not belong in the log.
        raise BadRequest(f"The request {message.request_code} can not be answered: data.{problem}") from None
