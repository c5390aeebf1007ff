"""What went wrong between us and a model server, in words for the room."""

import sys
from dataclasses import dataclass

SILENT = "The model at {where} went silent."
UNREACHABLE = "The model is not reachable at {where}."
REFUSED = "The model server at {where} refused the key."
TOO_LONG = "The conversation is too long for the model {model}."
UNKNOWN = "The model server at {where} knows no model {model}, or its address lacks /v1."
BUSY = "The model server is rate-limited."
TROUBLED = "The model server at {where} has trouble (status {status})."
REJECTED = "The model server at {where} rejected the request (status {status})."
BROKE_OFF = "The model at {where} reported an error in the middle of its answer."
GARBLED = "The model server at {where} sent something that is not Chat Completions."

TOO_LONG_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
"""`error.code` or `error.type` of OpenAI and of llama.cpp; vLLM and Ollama have only words for it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`passing` tells whether trying again can help; `retry_after` the seconds that the server asks for."""

    words: str
    passing: bool = False
    retry_after: float | None = None


def diagnose(error: Exception, *, where: str, model: str) -> Fault | None:
    """The fault behind an error of the client; None for an error that is not about the model server.

    The client is imported by the time that it can have raised something; this module does not wait for it.
    """
    openai = sys.modules.get("openai")
    if isinstance(error, ValueError):  # a chunk that is no JSON comes as the parser's own error
        return Fault(GARBLED.format(where=where))
    if openai is None or not isinstance(error, openai.APIError):
        return None
    if isinstance(error, openai.APITimeoutError):
        return Fault(SILENT.format(where=where))
    if isinstance(error, openai.APIConnectionError):
        return Fault(UNREACHABLE.format(where=where), passing=True)
    if _too_long(error):
        return Fault(TOO_LONG.format(model=model))
    if isinstance(error, openai.APIStatusError):
        return _by_status(error.status_code, dict(error.response.headers), where, model)
    return Fault(BROKE_OFF.format(where=where), passing=True)


def _by_status(status: int, headers: dict[str, str], where: str, model: str) -> Fault:
    if status in (401, 403):
        return Fault(REFUSED.format(where=where))
    if status == 404:
        return Fault(UNKNOWN.format(where=where, model=model))
    if status == 429:
        return Fault(BUSY, passing=True, retry_after=_seconds(headers.get("retry-after")))
    if status >= 500:
        words = TROUBLED.format(where=where, status=status)
        return Fault(words, passing=True, retry_after=_seconds(headers.get("retry-after")))
    return Fault(REJECTED.format(where=where, status=status))


def _too_long(error: Exception) -> bool:
    named = {getattr(error, "code", None), getattr(error, "type", None)}
    if named & TOO_LONG_CODES:
        return True
    words = str(error).casefold()
    return (
        getattr(error, "status_code", None) == 400
        and "context" in words
        and ("length" in words or "size" in words)
    )


def _seconds(header: str | None) -> float | None:
    """`Retry-After` in seconds; its other form, a date, is not used by model servers."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
