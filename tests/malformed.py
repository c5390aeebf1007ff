"""Envelopes that are wrong in every way that we could think of, and what each must be answered with."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from productflo.protocol.codes import SERVER_ONLY, Code
from productflo.protocol.inbound import MAX_FILES, MAX_METADATA_BYTES, MAX_TEXT

USER, ROOM = "ada", "malformed"


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message, and the code and field of the error that it deserves."""

    message: str | bytes
    code: str
    field: str | None = None


GOOD_DATA: dict[str, dict[str, Any]] = {
    "join": {},
    "leave": {},
    "chat": {"message": "hello", "sender": USER},
    "typing": {"status": "started", "sender": USER},
    "read_receipt": {"message_id": "m1", "sender": USER},
    "presence": {"status": "away", "sender": USER},
    "historic": {},
    "stop": {"message_id": "m1"},
    "ping": {},
}
IN_ROOM = [code for code in GOOD_DATA if code not in {"ping", "presence"}]
SPOKEN = [code for code, data in GOOD_DATA.items() if "sender" in data]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
TEXTS = st.text(max_size=40)
NOT_TEXT = JSON.filter(lambda value: not isinstance(value, str | None))
NOT_AN_OBJECT = JSON.filter(lambda value: not isinstance(value, dict))
NOT_AN_INTEGER = JSON.filter(
    lambda value: value is not None and (isinstance(value, bool) or not isinstance(value, int))
)
NOT_A_BOOLEAN = JSON.filter(lambda value: not isinstance(value, bool))
NOT_A_LIST = JSON.filter(lambda value: not isinstance(value, list))
BAD_ID = st.sampled_from(["", " ", "a b", "a{b}", "a/b", "ä", "\n", "x" * 129, "lab\n"]) | NOT_TEXT
BAD_FOREIGN_ID = st.sampled_from(["", "a\nb", "\x00", "\x7f", "x" * 129]) | NOT_TEXT
NEGATIVE_OR_HUGE = st.integers(max_value=-1) | st.integers(min_value=2**53)

FIELDS: list[tuple[str, str, st.SearchStrategy[Any]]] = [
    ("join", "stream", NOT_A_BOOLEAN),
    ("join", "since", NOT_AN_INTEGER | NEGATIVE_OR_HUGE),
    ("join", "generation", NOT_TEXT | st.just("g" * 65)),
    ("chat", "message", NOT_TEXT | st.none() | st.sampled_from(["", " \n\t", "x" * (MAX_TEXT + 1)])),
    ("chat", "sender", BAD_ID | st.none()),
    ("chat", "message_id", BAD_FOREIGN_ID),
    ("chat", "attached_files", NOT_A_LIST | st.just(["f"] * (MAX_FILES + 1))),
    ("chat", "reply_to", BAD_FOREIGN_ID),
    ("chat", "metadata", NOT_AN_OBJECT | st.just({"a": "x" * MAX_METADATA_BYTES})),
    ("typing", "status", JSON.filter(lambda value: value not in ("started", "stopped"))),
    ("typing", "sender", BAD_ID),
    ("read_receipt", "message_id", BAD_FOREIGN_ID | st.none()),
    ("read_receipt", "sender", BAD_ID),
    ("presence", "status", JSON.filter(lambda value: value not in ("online", "away", "busy", "offline"))),
    ("presence", "sender", BAD_ID),
    ("historic", "message", NOT_TEXT),
    ("historic", "conversation_id", BAD_ID),
    ("historic", "product_id", BAD_FOREIGN_ID),
    ("historic", "limit", NOT_AN_INTEGER | st.none() | NEGATIVE_OR_HUGE | st.sampled_from([0, 201])),
    ("historic", "before", NOT_AN_INTEGER | NEGATIVE_OR_HUGE),
    ("historic", "after", NOT_AN_INTEGER | NEGATIVE_OR_HUGE),
    ("stop", "message_id", BAD_FOREIGN_ID | st.none()),
    ("stop", "run_id", BAD_FOREIGN_ID | st.just("both")),
]


def envelope(said: str, **changes: Any) -> dict[str, Any]:
    """A good envelope with some fields changed; `...` takes one out."""
    whole = {"code": said, "user_id": USER, "room_id": ROOM, "data": GOOD_DATA.get(said, {}), **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def wrong(code: str, field: str | None) -> Callable[[dict[str, Any]], Malformed]:
    """The envelope, to be answered with this."""
    return lambda made: Malformed(json.dumps(made), code, field)


def invalid(field: str | None) -> Callable[[dict[str, Any]], Malformed]:
    """The envelope, which does not have the documented shape."""
    return wrong("VALIDATION_ERROR", field)


def _is_json(text: str | bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _raw(*messages: str | bytes) -> st.SearchStrategy[Malformed]:
    return st.sampled_from([Malformed(message, "VALIDATION_ERROR") for message in messages])


def _changed(codes: list[str], field: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Malformed]:
    return st.builds(
        lambda said, value: invalid(field)(envelope(said, **{field: value})), st.sampled_from(codes), values
    )


def _data(said: str, field: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Malformed]:
    told = "data.message_id" if said == "stop" and field == "run_id" else f"data.{field}"
    if said == "stop" and field == "run_id":
        values = st.just("both")
    return values.map(lambda value: invalid(told)(envelope(said, data={**GOOD_DATA[said], field: value})))


def _missing(said: str, field: str) -> st.SearchStrategy[Malformed]:
    data = {name: value for name, value in GOOD_DATA[said].items() if name != field}
    return st.just(invalid(f"data.{field}")(envelope(said, data=data)))


SURROGATE = json.dumps(envelope("chat")).replace("hello", "\\ud800")
NUMBERS = [
    json.dumps(envelope("chat")).replace('"hello"', number)
    for number in ("NaN", "Infinity", "-Infinity", "1e", "01")
]
DEEP = ["[" * depth + "]" * depth for depth in (100, 1_500, 30_000)] + ['{"a":' * 3_000 + "1" + "}" * 3_000]
DEEP_METADATA = [
    json.dumps(envelope("chat", data={**GOOD_DATA["chat"], "metadata": 0})).replace(
        '"metadata": 0', f'"metadata": {deep}'
    )
    for depth in (40, 250, 300, 900)
    for deep in ('{"a":' * depth + "1" + "}" * depth,)
]

MALFORMED: st.SearchStrategy[Malformed] = st.one_of(
    TEXTS.filter(lambda text: not _is_json(text)).map(lambda text: Malformed(text, "VALIDATION_ERROR")),
    st.binary(max_size=40)
    .filter(lambda some: not _is_json(some))
    .map(lambda some: Malformed(some, "VALIDATION_ERROR")),
    NOT_AN_OBJECT.map(lambda value: Malformed(json.dumps(value), "VALIDATION_ERROR")),
    _raw("", b"", b"\xff\xfe", "{", SURROGATE, *NUMBERS, *DEEP),
    st.sampled_from(DEEP_METADATA).map(lambda text: Malformed(text, "VALIDATION_ERROR", "data.metadata")),
    st.sampled_from([..., None, ""]).map(
        lambda code: wrong("MESSAGE_CODE_REQUIRED", "code")(envelope("ping", code=code))
    ),
    (TEXTS | NOT_TEXT)
    .filter(lambda code: code != "" and code not in list(Code))
    .map(lambda code: wrong("UNSUPPORTED_MESSAGE_TYPE", "code")(envelope("ping", code=code))),
    st.sampled_from(sorted(SERVER_ONLY)).map(lambda code: wrong("PERMISSION_DENIED", "code")(envelope(code))),
    st.builds(
        lambda said, room: wrong("ROOM_ID_REQUIRED", "room_id")(envelope(said, room_id=room)),
        st.sampled_from(IN_ROOM),
        st.sampled_from([..., None]),
    ),
    _changed(list(GOOD_DATA), "room_id", BAD_ID),
    _changed(list(GOOD_DATA), "user_id", BAD_ID | st.sampled_from([..., None])),
    _changed(list(GOOD_DATA), "timestamp", NOT_TEXT | TEXTS.filter(lambda text: not text[:1].isdigit())),
    _changed(list(GOOD_DATA), "request_id", NOT_TEXT | st.just("r" * 65)),
    _changed(list(GOOD_DATA), "data", NOT_AN_OBJECT | st.just(...)),
    st.sampled_from(list(GOOD_DATA)).map(
        lambda said: wrong("PERMISSION_DENIED", "user_id")(envelope(said, user_id="eve"))
    ),
    st.sampled_from(SPOKEN).map(
        lambda said: wrong("PERMISSION_DENIED", "data.sender")(
            envelope(said, data={**GOOD_DATA[said], "sender": "eve"})
        )
    ),
    *(_data(said, field, values) for said, field, values in FIELDS),
    *(
        _missing(*one)
        for one in [
            ("chat", "message"),
            ("chat", "sender"),
            ("typing", "status"),
            ("read_receipt", "message_id"),
            ("presence", "status"),
            ("stop", "message_id"),
        ]
    ),
    st.sampled_from(["before", "after"]).map(
        lambda _: invalid("data.before")(envelope("historic", data={"before": 5, "after": 5}))
    ),
    st.just(wrong("NOT_FOUND", "data.message_id")(envelope("read_receipt", data={"message_id": "nowhere"}))),
    st.just(invalid("data.conversation_id")(envelope("historic", data={"conversation_id": "elsewhere"}))),
)


def malformed(count: int) -> list[Malformed]:
    """So many different malformed messages, of all kinds."""
    found: dict[str | bytes, Malformed] = {}

    @settings(
        max_examples=2 * count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(MALFORMED)
    def collect(one: Malformed) -> None:
        found[one.message] = one

    collect()
    return list(found.values())[:count]
