"""The addresses of the API, and what each answers. openapi.json describes them in full."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from . import drawings, explaining, networks, reading
from .errors import Refusal

api = Blueprint("api", __name__)


@api.post("/api/predict")
def predict() -> Response:
    """What networks read in a drawing, and how it was prepared for them."""
    body = reading.json_body(request, (*drawings.FIELDS, "models"))
    chosen = networks.chosen(_networks(), body.get("models", [networks.default(_networks())]))
    drawing = drawings.prepared(body, _samples().images)
    return jsonify(results=[network.predict(drawing.picture) for network in chosen],
                   steps=drawing.strip(), picture=drawings.encoded(drawing.picture))


@api.post("/api/explain")
def explain() -> Response:
    """What every layer of a network makes of a drawing, or how one number came about."""
    body = reading.json_body(request, (*drawings.FIELDS, "model", "cell"))
    name = body.get("model", networks.default(_networks()))
    (network,) = networks.chosen(_networks(), [name])
    drawing = drawings.prepared(body, _samples().images)
    seen = explaining.watch(network, drawing.picture)
    if "cell" in body:
        return jsonify(cell=explaining.cell(seen, body["cell"]))
    logits = seen[-1].output[None]                                      # (1, 10)
    return jsonify(**network.answer(logits), picture=drawings.encoded(drawing.picture),
                   layers=explaining.layers(seen), contributions=explaining.contributions(seen))


@api.get("/api/models")
def models() -> Response:
    """The networks, what their files say of them, and what this server takes."""
    return jsonify(default=networks.default(_networks()), limits=drawings.LIMITS,
                   models=current_app.extensions["described"])


@api.get("/api/samples")
def samples() -> Response:
    """Some of MNIST's test pictures, from number `after` on, of one digit or of all."""
    data = _samples()
    digit = reading.whole_in_query(request, "digit", 0, 9, default=-1)
    count = reading.whole_in_query(request, "count", 1, 100, default=20)
    after = reading.whole_in_query(request, "after", 0, len(data), default=0)
    fitting = (data.labels == digit) if digit >= 0 else (data.labels >= 0)
    chosen = [int(number) for number in fitting[after:].nonzero()[0][:count] + after]
    return jsonify(samples=[{"sample": number, "label": int(data.labels[number]),
                             "picture": drawings.encoded(data.images[number] / 255)}
                            for number in chosen])


@api.post("/api/feedback")
def feedback() -> tuple[Response, int]:
    """Keep a drawing that somebody gives away, if this server was started to collect them."""
    collection = current_app.extensions["collection"]
    if collection is None:
        raise Refusal("feedback.off", "this server keeps no drawings", 403)
    body = reading.json_body(request, ("strokes", "label"))
    label = reading.whole(body.get("label"), "label", 0, 9)
    collection.add(drawings.checked_strokes(body.get("strokes")), label)
    return jsonify(stored=True), 201


@api.get("/api/openapi.json")
def openapi() -> Response:
    """The API, described for programs."""
    return jsonify(current_app.extensions["openapi"])


@api.get("/healthz")
def healthz() -> Response:
    """Whether the server is ready, and how fast it has been."""
    return jsonify(status="ready", models=list(_networks()),
                   **current_app.extensions["health"].as_dict())


def _networks() -> dict[str, networks.Network]:
    return current_app.extensions["networks"]


def _samples() -> Any:
    return current_app.extensions["samples"]
