"""Prometheus metrics. Counts and times only: no names, and nothing that was said in an interview."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Metrics:
    """One registry per app, so that tests can have several."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.interviews = Gauge("viva_interviews", "Open interviews by status", ["status"], registry=self.registry)
        self.dispatches = Counter("viva_dispatches_total", "Agents sent where one was missing", registry=self.registry)
        self.reports = Counter(
            "viva_reports_recovered_total", "Reports written for a call that died", registry=self.registry
        )
        self.reports_failed = Counter(
            "viva_reports_failed_total", "Reports that could not be written, by try", registry=self.registry
        )
        self.waiting = Gauge(
            "viva_candidates_without_agent", "Candidates who wait though agents were asked for, by reason", ["reason"],
            registry=self.registry,
        )  # fmt: skip
        self.webhooks = Counter("viva_webhooks_total", "Webhooks by result", ["result"], registry=self.registry)
        self.requests = Histogram(
            "viva_http_seconds", "HTTP requests", ["method", "route", "status"], registry=self.registry
        )

    def install(self, app: FastAPI) -> None:
        @app.middleware("http")
        async def _timed(request: Request, handle: Callable[[Request], Awaitable[Response]]) -> Response:
            began = time.monotonic()
            status = "500"  # if it ends in an exception
            try:
                response = await handle(request)
                status = str(response.status_code)
                return response
            finally:
                # The route's pattern, because the path names sessions. Arbitrary methods would each add a series.
                route = getattr(request.scope.get("route"), "path", "other")
                method = request.method if request.method in METHODS else "other"
                self.requests.labels(method, route, status).observe(time.monotonic() - began)

        @app.get("/metrics", include_in_schema=False)
        async def _metrics() -> Response:
            return Response(generate_latest(self.registry), media_type=CONTENT_TYPE)
