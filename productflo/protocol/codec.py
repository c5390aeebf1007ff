"""Bytes to envelopes and back.

orjson and not the standard library: it refuses lone surrogates, NaN, endless integers and deep nesting,
which would otherwise fail later, in the middle of a fan-out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from productflo.errors import (
    CodeRequired,
    PermissionDenied,
    ProductFloError,
    RoomRequired,
    UnsupportedCode,
    ValidationFailed,
)
from productflo.protocol.codes import SERVER_ONLY, Code
from productflo.protocol.envelope import Outbound
from productflo.protocol.inbound import INBOUND, ChatData, Inbound, InRoom
from productflo.protocol.messages import (
    ChatResponse,
    Deleted,
    Edited,
    Reacted,
    RequestInfo,
    RequestResponse,
)
from productflo.protocol.requests import REQUESTS, AnyRequest, can_be_registered

SPLICED = b"}}"
"""How an encoded envelope ends: the script puts `accepted_at` and `seq` of a durable event before it."""
DATA, SENDER, FILES, MENTIONS = b'"data":{', b',"sender":', b',"attached_files":', b',"mentions":['
"""Where in it something else begins. None of the first three can stand in what comes before it, nor the last
in what comes after: within a string of JSON each quotation mark has a backslash."""

KNOWN: dict[Code, type[Inbound]] = {**INBOUND, **REQUESTS}
"""The model of every code that the protocol knows and a client may send."""
_MODELS: dict[str, type[Inbound]] = {str(code): model for code, model in KNOWN.items()}

REASONS = {
    "missing": "is required",
    "model_type": "must be an object",
    "string_type": "must be a string",
    "string_pattern_mismatch": "must be 1 to 128 of A-Z a-z 0-9 _ . : @ - (message and file ids: printable)",
}
"""Pydantic's wording where it speaks of Python rather than of JSON."""


def parse(message: str | bytes) -> dict[str, Any]:
    """One WebSocket message as a JSON object. Raises `ValidationFailed`."""
    try:
        envelope = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise ValidationFailed(f"The message is not valid JSON ({error}). Send one JSON object.") from error
    if not isinstance(envelope, dict):
        raise ValidationFailed("The message is not a JSON object. Send one, with code, user_id and data.")
    return envelope


def validate(envelope: dict[str, Any]) -> Inbound:
    """The envelope as the model of its code.

    A code that an assistant may have registered is an `AnyRequest`, whose owner is to be found. Raises
    `CodeRequired`, `UnsupportedCode`, `PermissionDenied` (a code that only the server sends), `RoomRequired`
    or `ValidationFailed`, each naming the field.
    """
    model = _model(envelope)
    if envelope.get("room_id") is None and issubclass(model, InRoom):
        raise RoomRequired(f"{envelope['code']} needs a room_id.", field="room_id")
    try:
        return model.__pydantic_validator__.validate_python(envelope)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise first_problem(error) from error


def _model(envelope: dict[str, Any]) -> type[Inbound]:
    code = envelope.get("code")
    if isinstance(code, str) and (model := _MODELS.get(code)):
        return model
    if code is None or code == "":
        raise CodeRequired('The envelope has no code. Add one, such as "code": "chat".', field="code")
    if isinstance(code, str) and code in SERVER_ONLY:
        raise PermissionDenied(
            f"{code} is sent by the server only. Broadcasts go through POST /api/broadcast.", field="code"
        )
    if can_be_registered(code) and envelope.get("room_id") is not None:
        return AnyRequest
    raise unsupported()


def unsupported(registered: Iterable[str] = ()) -> UnsupportedCode:
    """What to tell of a code that nobody knows, with those that are known, the `registered` too."""
    known = ", ".join(dict.fromkeys([*KNOWN, *registered]))
    return UnsupportedCode(f"The code is not known here. Known codes: {known}.", field="code")


def first_problem(error: ValidationError) -> ProductFloError:
    """The first thing that is wrong, as a sentence that names the field."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = [*first["loc"], *([first["ctx"]["field"]] if first["type"] == "broken_rule" else [])]
    field = ".".join(str(part) for part in place)
    reason = REASONS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    more = error.error_count() - 1
    others = f" ({more} more field{'s' if more > 1 else ''} to mend.)" if more else ""
    return ValidationFailed(f"{field}: {reason}.{others}", field=field)


def encode(envelope: Outbound) -> bytes:
    """An envelope as it goes over the wire."""
    return envelope.__pydantic_serializer__.to_json(envelope, exclude_none=True)


class Parts(NamedTuple):
    """A durable event encoded in parts, for the append script to put together.

    `begin` is the envelope up to where `data` begins, `by` who says it under which id; `accepted_at` and
    `seq` follow. What a message says stands apart, so that it can be replaced: `text` before `by`, `rest`
    (whatever else its author gave it) after it, `mentions` after `seq`.
    """

    begin: bytes
    by: bytes
    text: bytes = b""
    rest: bytes = b""
    mentions: bytes = b""

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(map(len, self))


def in_parts(envelope: ChatResponse | RequestResponse | Edited | Deleted | Reacted) -> Parts:
    """A durable event as the append script takes it."""
    encoded = encode(envelope).removesuffix(SPLICED)
    mentions = b""
    if isinstance(envelope, ChatResponse | RequestResponse | Edited) and envelope.data.mentions:
        encoded, begin, mentioned = encoded.rpartition(MENTIONS)
        mentions = begin + mentioned
    begin, data, said = encoded.partition(DATA)
    if isinstance(envelope, Deleted | Reacted):
        return Parts(begin + data, said)
    text, _, by = said.partition(SENDER)
    by, files, given = by.partition(FILES)
    return Parts(begin + data, SENDER[1:] + by, text + b",", files + given, mentions)


def chat_in_parts(
    said: ChatData,
    room_id: str,
    timestamp: str,
    metadata: Mapping[str, Any],
    mentions: Sequence[str] | None = None,
    request: RequestInfo | None = None,
) -> Parts:
    """`in_parts` of a person's `ChatResponse`, made without the model: a sixth of the time.

    `said.message_id` must be set, and what is said have been checked: ids are written as they are.
    """
    begin = (
        f'{{"status":"success","code":"chat_response","user_id":"{said.sender}","room_id":"{room_id}",'
        f'"timestamp":"{timestamp}","data":{{'
    )
    rest: dict[str, Any] = {"attached_files": said.attached_files}
    if said.reply_to is not None:
        rest["reply_to"] = said.reply_to
    rest["metadata"] = metadata
    if request is not None:
        rest["request"] = request.model_dump(mode="json", exclude_none=True)
    return Parts(
        begin.encode(),
        b'"sender":"%b","message_id":%b' % (said.sender.encode(), orjson.dumps(said.message_id)),
        b'"message":%b,' % orjson.dumps(said.message),
        b",%b" % orjson.dumps(rest)[1:-1],
        b',"mentions":%b' % orjson.dumps(mentions) if mentions else b"",
    )
