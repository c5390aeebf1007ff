"""What the processes count, for operators: Prometheus metrics, told at `/metrics`.

The names, labels and meanings are in docs/reference/metrics.md, which a test compares with this file. A label
never holds an id or anything else that a client chooses. Of several web processes on one host each counts
for itself, and `/metrics` of any tells the sum (`PROMETHEUS_MULTIPROC_DIR`, set by `productflo serve`).
"""

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Gauge("productflo_connections", "Open WebSocket connections.", multiprocess_mode="livesum")
HANDSHAKES_REFUSED = Counter("productflo_handshakes_refused", "WebSocket handshakes turned away.", ["reason"])
CLOSES = Counter("productflo_closes", "WebSocket connections closed by this side.", ["code"])
ENVELOPES = Counter("productflo_envelopes", "Envelopes received.", ["code"])
ERRORS = Counter("productflo_errors", "Error envelopes sent.", ["code"])
DELIVERIES = Counter("productflo_deliveries", "Envelopes handed to subscriptions.")
SHED = Counter("productflo_shed", "Passing envelopes not sent to a slow reader.", ["kind"])
RATE_LIMITED = Counter("productflo_rate_limited", "Envelopes refused by a rate limit.", ["scope"])

RESUMES = Counter(
    "productflo_resumes", "Joins with a position.", ["outcome"]
)  # continuous, trimmed, rewound, too_many
HOLES = Counter("productflo_holes", "Holes seen in what Pub/Sub brought.")
HOLES_FILLED = Counter("productflo_holes_filled", "Durable events that Pub/Sub dropped and the log gave.")
GENERATIONS = Counter("productflo_generation_changes", "Rooms found in another generation of the store.")

APPENDED = Counter("productflo_appended", "Durable events written to logs.")
DUPLICATES = Counter("productflo_duplicates", "Repeated messages answered with the first result.")
UNCONFIRMED = Counter("productflo_unconfirmed", "Messages answered with pending.")
APPEND_SECONDS = Histogram(
    "productflo_append_seconds",
    "From handing a message in until the store's answer.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
FAN_OUT_LAG_SECONDS = Histogram(
    "productflo_fan_out_lag_seconds",
    "From the store's acceptance of an event until it was handed to the subscriptions here.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
STORE_AWAY = Counter("productflo_store_away", "Times that the store stopped answering.")
