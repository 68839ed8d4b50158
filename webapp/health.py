"""Whether the server runs, and how fast: what /healthz tells."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

import numpy as np
from flask import Flask, Response, g, request


class Health:
    """How many requests the API has answered, and how long the last thousand took."""

    def __init__(self) -> None:
        self.requests = 0
        self._seconds: deque[float] = deque(maxlen=1000)
        self._one_at_a_time = threading.Lock()

    def add(self, seconds: float) -> None:
        with self._one_at_a_time:
            self.requests += 1
            self._seconds.append(seconds)

    def as_dict(self) -> dict[str, Any]:
        """The count, and the milliseconds that half and 95 % of the requests stay below."""
        with self._one_at_a_time:
            requests, seconds = self.requests, list(self._seconds)
        p50, p95 = (1e3 * np.percentile(seconds, [50, 95])).tolist() if seconds else (None, None)
        return {"requests": requests, "p50_ms": p50, "p95_ms": p95}


def watch(app: Flask) -> None:
    """Measure every request to the API of `app`, from when a thread takes it up."""
    health: Health = app.extensions["health"]

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        if request.path.startswith("/api/") and "began" in g:
            health.add(time.perf_counter() - g.began)
        return response
