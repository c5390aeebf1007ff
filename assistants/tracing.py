"""OpenTelemetry's traces of answers, models and tools, where it is installed and told where to send them.

Spans carry ids, names and numbers, and nothing that anybody said.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

try:
    from opentelemetry import trace
except ImportError:
    trace = None  # type: ignore[assignment]

Value = str | int | float | bool


class Span(Protocol):
    """What the worker says of a span."""

    def set_attribute(self, key: str, value: Value) -> None:
        """Note something about it."""


class _NoSpan:
    def set_attribute(self, key: str, value: Value) -> None:
        """Nobody is told."""


NO_SPAN = _NoSpan()


@contextmanager
def span(name: str, attributes: Mapping[str, Value]) -> Iterator[Span]:
    """Within the block a span is open; spans begun within, in any thread, are its children.

    An exception ends it as failed, with the exception's type and without its text.
    """
    if trace is None:
        yield NO_SPAN
        return
    tracer = trace.get_tracer("productflo.assistants")
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(trace.StatusCode.ERROR)
            raise


class NotInstalled(Exception):
    """Traces shall be sent, and the packages for it are not there; the text says which."""


def set_up() -> None:
    """Send traces where OTEL_EXPORTER_OTLP_ENDPOINT says, with the packages of the extra `otel`.

    Nothing happens where it says nothing, or where somebody else has set OpenTelemetry up. Raises
    `NotInstalled`.
    """
    if not (
        os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    ):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as missing:
        raise NotInstalled(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set, and {missing.name} is not installed: "
            "pip install 'productflo-chat[otel]'"
        ) from missing
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
