"""What the web processes count, for operators: Prometheus metrics, told at `/metrics`.

docs/reference/metrics.md is made from this file. A label never holds an id or anything else that a client
chooses: each of its values is a series that is kept for ever. Of several web processes on one host each
counts for itself; `/metrics` of any tells the sum (`PROMETHEUS_MULTIPROC_DIR`, set by `productflo serve`).
"""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A series beside each counter that says when it began: few read it, and all keep it.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client's, without annotations

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper ends of a histogram's buckets: from a store on this machine to one that is given up."""


def _counter(name: str, documentation: str, label: str, *values: str) -> Counter:
    """A counter with a label. Those of its values that are known here count from 0: what appears with its
    first 1 has not risen, for an alert."""
    counter = Counter(name, documentation, [label])
    for value in values:
        counter.labels(value)
    return counter


CONNECTIONS = Gauge("productflo_connections", "Open WebSocket connections.", multiprocess_mode="livesum")
HANDSHAKES_REFUSED = _counter(
    "productflo_handshakes_refused",
    "WebSocket connections turned away as they came. `reason`: `source` (another host or site), `token`, "
    "`address` (too many, or too fast), `user` (too many), `process` (full).",
    "reason",
    *("source", "token", "address", "user", "process"),
)
CLOSES = _counter(
    "productflo_closes",
    "WebSocket connections closed by this side. `code`: the close code; 1006 where one was dead and cut off.",
    "code",
)
ENVELOPES = _counter(
    "productflo_envelopes",
    "Envelopes received. `code`: theirs, or `other` where it is none that a client may send.",
    "code",
)
ERRORS = _counter("productflo_errors", "Error envelopes sent. `code`: the error's.", "code")
DELIVERIES = Counter("productflo_deliveries", "Envelopes handed to subscriptions.")
SHED = _counter(
    "productflo_shed",
    "Passing envelopes not sent to a slow reader. `kind`: `typing`, `presence` or `receipt`; `notice` of who "
    "joined or left, only while it catches up.",
    "kind",
    *("typing", "presence", "receipt", "notice"),
)
RATE_LIMITED = _counter(
    "productflo_rate_limited",
    "Envelopes and requests refused by a rate limit. `scope`: whose it was: `connection`, `user`, `address`.",
    "scope",
    *("connection", "user", "address"),
)

RESUMES = _counter(
    "productflo_resumes",
    "Joins with a position. `outcome`: `continuous`, or why not: `trimmed`, `rewound`, `too_many`.",
    "outcome",
    *("continuous", "trimmed", "rewound", "too_many"),
)
HOLES = Counter("productflo_holes", "Holes seen in what Pub/Sub brought.")
HOLES_FILLED = Counter("productflo_holes_filled", "Durable events that Pub/Sub dropped and the log gave.")
GENERATIONS = Counter("productflo_generation_changes", "Rooms found in another generation of the store.")

APPENDED = Counter("productflo_appended", "Durable events written to logs.")
DUPLICATES = Counter("productflo_duplicates", "Repeated messages answered with the first result.")
UNCONFIRMED = Counter("productflo_unconfirmed", "Messages answered with `pending`.")
FEEDBACK = _counter(
    "productflo_feedback",
    "Ratings of assistants' messages. `rating`: `up` or `down`; a changed mind counts again.",
    "rating",
    *("up", "down"),
)
APPEND_SECONDS = Histogram(
    "productflo_append_seconds", "From handing a message in until the store's answer.", buckets=SECONDS
)
FAN_OUT_LAG_SECONDS = Histogram(
    "productflo_fan_out_lag_seconds",
    "From the store's acceptance of an event until it was handed to the subscriptions here, by the store's "
    "clock and this host's: as exact as the two agree.",
    buckets=SECONDS,
)
STORE_AWAY = Counter("productflo_store_away", "Times that the store stopped answering.")
LOG_LINES_LEFT_OUT = Counter(
    "productflo_log_lines_left_out", "Lines kept out of the log: the same place had just written many."
)

LEASES_ENDED = Counter(
    "productflo_leases_ended", "Leases of connections that ran out: after a close, or with their process."
)
PRESENCE_HELD = Counter(
    "productflo_presence_held",
    "Times that a shard of presence (of 64) was not swept for one lease, since the store had been paused.",
)
PRESENCE_CAUGHT_UP = Counter(
    "productflo_presence_caught_up", "Changes of presence that Pub/Sub dropped and the store gave."
)
