"""What a worker counts, for operators, beside what productflo/metrics.py has of its part in the store.

docs/reference/metrics.md is made from this file. Labels hold what the operator chose (assistants, models) and
words that stand here; never the id of a room or a person, nor a word of theirs.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from prometheus_client import Counter, Gauge, Histogram, start_http_server

SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""Upper ends of a histogram's buckets: from an assistant without a model to a long answer of a slow one."""

RUNNING = Gauge("productflo_answers_running", "Answers being written by this worker.", ["assistant"])
QUEUE_SECONDS = Histogram(
    "productflo_answer_queue_seconds",
    "From the store's acceptance of a question until its first try was begun, by the store's clock and this "
    "host's.",
    ["assistant"],
    buckets=SECONDS,
)
FIRST_PIECE_SECONDS = Histogram(
    "productflo_answer_first_piece_seconds",
    "From the beginning of a try until its first piece.",
    ["assistant"],
    buckets=SECONDS,
)
ANSWER_SECONDS = Histogram(
    "productflo_answer_seconds",
    "From the beginning of a try until its end.",
    ["assistant"],
    buckets=SECONDS,
)
ANSWERS = Counter(
    "productflo_answers",
    "Answers that came to an end. `state`: that of the message (`done`, `stopped`, `interrupted`, `failed`), "
    "or `silent` where there is none.",
    ["assistant", "state"],
)
RETRIES = Counter(
    "productflo_answer_retries", "Answers begun again, after a worker had ended or died.", ["assistant"]
)
LIMITED = Counter(
    "productflo_limits_reached",
    "Answers refused or cut by a limit. `limit`: its name in `limits`.",
    ["assistant", "limit"],
)
BLOCKED = Counter(
    "productflo_assistants_blocked",
    "Times that an assistant's code held its thread for longer than a second; the log has its stack.",
    ["assistant"],
)
LEFT_BEHIND = Gauge("productflo_threads_left_behind", "Threads of assistants that are blocked now.")

MODEL_FIRST_SECONDS = Histogram(
    "productflo_model_first_chunk_seconds",
    "From a request to a model until the first that came of its answer.",
    ["model"],
    buckets=SECONDS,
)
MODEL_TOKENS = Counter(
    "productflo_model_tokens",
    "Tokens of models, as their servers count them, or as estimated where they did not say. `kind`: `prompt` "
    "or `completion`.",
    ["model", "kind"],
)
MODEL_COST = Counter(
    "productflo_model_cost",
    "Money for models, by PRODUCTFLO_MODEL_PRICES and in their currency.",
    ["model"],
)
MODEL_FAILURES = Counter(
    "productflo_model_failures",
    "Requests to models that failed. `kind`: the client's name for it, such as `RateLimitError`.",
    ["model", "kind"],
)


def begun(assistant: str, tries: int, sent_at: str, now: datetime) -> None:
    """Count a try at an answer, and how long its question (`sent_at`, ISO 8601) has waited for the first."""
    if tries > 1:
        RETRIES.labels(assistant).inc()
        return
    QUEUE_SECONDS.labels(assistant).observe(waited(sent_at, now))


def waited(sent_at: str, now: datetime) -> float:
    """Seconds since something was said (ISO 8601); 0 where the clock has gone back since."""
    return max(0.0, (now - datetime.fromisoformat(sent_at)).total_seconds())


@contextmanager
def answering(assistant: str, first: Callable[[float], None]) -> Iterator[Callable[[], None]]:
    """Count an answer as running within the block, and its time; call what it gives with each piece.

    `first` is told the seconds to the first one.
    """
    began, said = time.monotonic(), False
    running = RUNNING.labels(assistant)
    running.inc()

    def piece() -> None:
        nonlocal said
        if not said:
            said = True
            seconds = time.monotonic() - began
            FIRST_PIECE_SECONDS.labels(assistant).observe(seconds)
            first(seconds)

    try:
        yield piece
    finally:
        running.dec()
        ANSWER_SECONDS.labels(assistant).observe(time.monotonic() - began)


class PortTaken(Exception):
    """The port for `/metrics` can not be had; the text says which setting names it."""


@contextmanager
def served(host: str, port: int | None) -> Iterator[None]:
    """Within the block `/metrics` is told on a port of this host, where one is set.

    Raises `PortTaken`.
    """
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, host)
    except OSError as error:
        raise PortTaken(f"PRODUCTFLO_WORKER_METRICS_PORT={port}: {error.strerror}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
