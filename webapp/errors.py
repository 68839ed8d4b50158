"""What is wrong with a request: a code for programs and a sentence for people, as JSON.

    {"error": {"code": "strokes.not_finite", "message": "stroke 2 has a point that ..."}}

Anything that a client can send ends in an answer below 500. Should the server itself be at
fault, the client hears that, and what happened is written to the server's log.
"""

from __future__ import annotations

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

CODES = {
    400: ("request.bad", "this request cannot be understood"),
    404: ("address.unknown", "there is nothing at this address"),
    405: ("method.wrong", "this address does not answer to that method"),
    413: ("body.too_large", "the request is larger than this server takes"),
}
"""What Flask itself finds wrong, by its HTTP status."""


class Refusal(Exception):  # noqa: N818 - it is the client's error, not ours
    """A request that cannot be answered: an HTTP status, a code, a sentence."""

    def __init__(self, code: str, message: str, status: int = 400,
                 headers: dict[str, str] | None = None):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.headers = headers or {}


def handle(app: Flask) -> None:
    """Answer every error of `app` with JSON."""

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return _answer(refusal.code, refusal.message, refusal.status, refusal.headers)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:  # a redirection is no error
            return Response(error.get_response().get_data(), status, error.get_headers())
        code, message = CODES.get(status, ("request.refused", error.name.lower()))
        allowed = getattr(error, "valid_methods", None)
        return _answer(code, message, status, {"Allow": ", ".join(allowed)} if allowed else {})

    @app.errorhandler(Exception)
    def our_own_fault(error: Exception) -> Response:
        app.logger.exception("this request could not be answered")
        return _answer("server.error", "something is wrong with the server, not with you", 500)


def _answer(code: str, message: str, status: int, headers: dict[str, str] | None = None
            ) -> Response:
    response = jsonify(error={"code": code, "message": message})
    response.status_code = status
    response.headers.update(headers or {})
    return response
