"""What Prometheus reads at ``/metrics``: how long requests and searches take, what is ingested."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_MILLISECONDS = (1, 2.5, 5, 10, 15, 25, 50, 100, 250, 1000)


class Metrics:
    """The figures of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = Histogram(
            "candor_http_request_seconds",
            "Time until a response was sent whole, by route and status.",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.searches = Histogram(
            "candor_search_milliseconds",
            "Time of one search, encoding of the query included.",
            buckets=_MILLISECONDS,
            registry=self._registry,
        )
        self.answers = Counter(
            "candor_answers",
            "Answers given, by how they ended.",
            ["outcome"],
            registry=self._registry,
        )
        self.refusals = Counter(
            "candor_visitor_refusals",
            "Requests of visitors that were refused, by why: signs of abuse.",
            ["why"],
            registry=self._registry,
        )
        self.uploads = Counter(
            "candor_uploaded_bytes", "Bytes of uploaded files.", registry=self._registry
        )
        self.documents = Gauge(
            "candor_documents", "Documents by state.", ["state"], registry=self._registry
        )
        self.chunks = Gauge("candor_chunks", "Chunks in the database.", registry=self._registry)
        self.runs = Gauge(
            "candor_runs", "Ingestion runs by state.", ["state"], registry=self._registry
        )

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)
