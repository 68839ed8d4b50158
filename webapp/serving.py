"""The web server below the application: waitress, and how it is set.

waitress reads requests and writes answers in one thread, and hands only whole requests to the
threads that compute, so a slow phone holds nobody up.
"""

from __future__ import annotations

import json
import logging
import socket
from typing import Any

import threadpoolctl
import waitress
from flask import Flask
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from tinygrad_mnist import backend

THREADS = 4
"""How many requests are worked on at once; the others wait in line.

Python computes one at a time, so for predictions alone two would do: measured with 50 people
drawing, 2, 4 and 8 answer alike. Four, so that a large photo or the inside of a large network
holds up nobody's drawing.
"""


def make_server(app: Flask, host: str, port: int, threads: int = THREADS) -> Any:
    """A server that listens; its `run()` answers until Ctrl-C.

    Port 0 is any free one, `effective_port` says which. Raises OSError if the address is not to
    be had.
    """
    # One thread for each matrix product: a picture is small, and OpenBLAS's second thread, on a
    # core that another request is busy on, is waited for longer than it saves.
    threadpoolctl.threadpool_limits(1)
    backend.keep_freed_memory()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that somebody waits is no news
    listener = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET,
        dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6())  # all addresses, as 0.0.0.0
    server = waitress.create_server(
        app, sockets=[listener], threads=threads,
        ident=None,                     # nobody needs to know what is running here
        connection_limit=1000,          # a browser keeps a few open, and there may be a hall full
        asyncore_use_poll=True,         # `select` cannot watch that many
        max_request_body_size=2 * app.config["MAX_CONTENT_LENGTH"])  # before that Flask refuses it
    server.channel_class = _Channel
    return server


class _Errors(ErrorTask):
    """What is no HTTP, or far too large, never reaches Flask: here it is refused as JSON too."""

    def execute(self) -> None:
        error = self.request.error
        status = f"{error.code} {error.reason}" if error.code < 500 else "400 Bad Request"
        code = "body.too_large" if error.code == 413 else "request.bad"
        body = json.dumps({"error": {"code": code, "message": f"{error.reason}: {error.body}"}})
        self.status = status
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body.encode())


class _Channel(HTTPChannel):
    error_task_class = _Errors
