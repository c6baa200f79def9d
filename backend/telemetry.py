"""Traces of requests, sent to an OpenTelemetry collector where one is set (extra ``otel``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from knowledge.errors import MissingExtra

_PROBES = "healthz,readyz,metrics"


@contextmanager
def traced(app: FastAPI, endpoint: str, version: str) -> Iterator[None]:
    """Send a span of every request but the probes' to ``endpoint`` (OTLP over HTTP).

    ``endpoint``: the collector's address, such as ``http://127.0.0.1:4318``; empty: nothing is
    traced. What is left in the queue is sent at the end. Raises :class:`MissingExtra` where the
    packages are not installed.
    """
    if not endpoint:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtra(
            "CANDOR_OTEL_ENDPOINT is set, but OpenTelemetry is not installed.",
            "Install Candor with the extra otel, or leave the setting empty.",
        ) from error
    resource = Resource.create({"service.name": "candor", "service.version": version})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, excluded_urls=_PROBES)
    try:
        yield
    finally:
        provider.shutdown()
