"""The page: draw a digit, and see what happens between the pen and the answer.

    python -m webapp            then open http://127.0.0.1:5000

    __main__.py     the program
    serving.py      the web server below it
    __init__.py     create_app: the application, put together
    api.py          the addresses, and what each answers
    reading.py      from the body of a request to values that can be trusted
    drawings.py     from a drawing in a request to the picture that the network gets
    networks.py     the trained networks that ship
    explaining.py   what happens inside a network, with all its numbers
    feedback.py     drawings that people give away, in a file
    guarding.py     how often one may ask, and the headers that protect the page
    health.py       whether it runs, and how fast
    errors.py       what is wrong with a request, as JSON
    openapi.json    the API, described for programs

Requests are answered by several threads at once. They share the networks and MNIST's test
pictures, which nobody changes; everything else is made anew for each request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, render_template

from tinygrad_mnist.datasets import MNIST, models_root

from . import api, errors, guarding, health
from .feedback import Collection
from .networks import load_all

DEFAULTS: dict[str, Any] = {
    "MODELS": None,     # the folder of trained weights; None: data/models of this project
    "COLLECT": None,    # the file for drawings that people give away; None: none are taken
    "COLLECT_BYTES": 10 * 1024 * 1024,     # how large that file may become
    "RATE": 30.0,       # requests a second that one address may make for long; 0: as many as it can
    "BURST": 120,       # requests that it may make at once
    "HOSTS": ["localhost"],  # names that the page goes by, besides numbers such as 127.0.0.1
    "MAX_CONTENT_LENGTH": 6 * 1024 * 1024,  # bytes of a request
}


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """The application, ready to be served; config: what is to differ from `DEFAULTS`.

    Raises FileNotFoundError or ValueError, saying what to do, if the trained weights or MNIST's
    test pictures are missing or damaged, or the file to collect drawings in cannot be written.
    """
    app = Flask(__name__)
    app.config.from_mapping({**DEFAULTS, **(config or {})})
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = None  # browsers ask whether a file has changed
    settings = app.config

    folder = Path(settings["MODELS"] or models_root())
    app.extensions["networks"] = load_all(folder)
    app.extensions["described"] = [each.described() for each in app.extensions["networks"].values()]
    app.extensions["samples"] = MNIST(train=False)
    app.extensions["health"] = health.Health()
    app.extensions["collection"] = (
        Collection(Path(settings["COLLECT"]), settings["COLLECT_BYTES"])
        if settings["COLLECT"] else None)
    app.extensions["openapi"] = json.loads(
        (Path(__file__).parent / "openapi.json").read_text(encoding="utf-8"))

    health.watch(app)
    guarding.guard(app)
    errors.handle(app)
    app.register_blueprint(api.api)
    app.add_url_rule("/", "page", lambda: render_template(
        "index.html", collect=app.extensions["collection"] is not None))
    return app
