"""What protects the page, its server and its visitors: how often one may ask, and the headers.

How large a request may be is Flask's own MAX_CONTENT_LENGTH; what it may hold, `reading` and
`drawings` check.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from flask import Flask, Response, request

from .errors import Refusal

HEADERS = {
    "Content-Security-Policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",       # a file is what it is said to be
    "X-Frame-Options": "DENY",                 # frame-ancestors, for browsers before 2018
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

REMEMBERED = 10_000  # addresses: the one not heard of for longest is forgotten first


class Buckets:
    """For each address a bucket of tokens: a request takes one, `rate` a second drip back in."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic):
        self.rate, self.burst, self.clock = rate, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, since when
        self._one_at_a_time = threading.Lock()

    def take(self, address: str) -> float:
        """Take a token: 0, or if there is none, the seconds until there will be one."""
        with self._one_at_a_time:
            now = self.clock()
            tokens, since = self._buckets.get(address, (float(self.burst), now))
            tokens = min(self.burst, tokens + (now - since) * self.rate)
            enough = tokens >= 1
            self._buckets[address] = (tokens - enough, now)
            self._buckets.move_to_end(address)
            if len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
        return 0.0 if enough else (1 - tokens) / self.rate


def is_known(host: str, names: Collection[str]) -> bool:
    """Whether a request's Host is one of these names, or a number.

    Another site could point a name of its own at this server, and so read from it through a
    visitor's browser; a number cannot be pointed elsewhere. (Flask's own TRUSTED_HOSTS knows
    neither numbers in general nor any of IPv6.)
    """
    name = urlsplit(f"//{host}").hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in {each.lower() for each in names}
    return True


def guard(app: Flask) -> None:
    """Answer to known names only, let nobody ask too often, and put the headers on every answer."""
    buckets = Buckets(app.config["RATE"], app.config["BURST"])

    @app.before_request
    def by_a_known_name() -> None:
        if not is_known(request.host, app.config["HOSTS"]):
            raise Refusal("host.unknown", "this server does not go by that name: --trust NAME "
                          "makes it")

    @app.before_request
    def not_too_often() -> None:
        # The page's own files cost nothing to send; half of them would be a page without words.
        if buckets.rate and request.path != "/healthz" and request.endpoint != "static":
            wait = buckets.take(request.remote_addr or "")
            if wait:
                raise Refusal("rate.too_fast", "that is too fast: please wait a moment", 429,
                              {"Retry-After": str(math.ceil(wait))})

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        if request.path.startswith("/api/") or request.path == "/healthz":
            response.headers["Cache-Control"] = "no-store"
        return response
