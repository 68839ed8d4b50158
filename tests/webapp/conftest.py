"""What the tests of the page share: the application, a client to ask it, and a real server."""

import base64
import io
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl
from PIL import Image

import webapp
from tinygrad_mnist import handwriting

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def one_thread_for_a_product():
    """As `webapp.serving` has it: else requests wait for the threads of each other's products."""
    with threadpoolctl.threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def app():
    """The application as it is served, only that one may ask as often as one likes."""
    app = webapp.create_app({"RATE": 0})
    app.testing = True
    return app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture(scope="session")
def free_port():
    """Find a port that nobody listens on."""

    def find():
        with socket.create_server(("127.0.0.1", 0)) as probe:
            return probe.getsockname()[1]

    return find


@pytest.fixture(scope="session")
def serve(free_port):
    """Start `python -m webapp` with these arguments on a free port: its address."""
    servers = []

    def start(*arguments):
        port = free_port()
        server = subprocess.Popen([sys.executable, "-m", "webapp", "--port", str(port), *arguments],
                                  env=os.environ | {"PYTHONPATH": str(ROOT)},
                                  stdout=subprocess.PIPE, text=True)
        servers.append(server)
        return re.search(r"http://\S+", server.stdout.readline()).group()

    yield start
    for server in servers:
        server.terminate()
        server.wait()
        server.stdout.close()


@pytest.fixture
def encoded():
    """A Pillow picture as the API takes pictures: a file in base64."""

    def encode(picture, form="PNG", **options):
        file = io.BytesIO()
        picture.save(file, form, **options)
        return base64.b64encode(file.getvalue()).decode()

    return encode


@pytest.fixture
def photo(encoded):
    """Strokes of a digit about 100 high as a photo: uneven light, some noise, 4 to 3."""

    def take(strokes, form="PNG", mode="RGB", scale=1):
        placed = [[[scale * (2 * x + 120), scale * (2 * y + 40)] for x, y in stroke]
                  for stroke in strokes]
        page = handwriting.on_page(placed, (320 * scale, 240 * scale), 14 * scale)
        light = np.linspace(0.9, 0.5, page.shape[1])
        noise = np.random.default_rng(0).normal(0, 0.02, page.shape)
        grey = np.clip(light * (0.2 + 0.8 * page) + noise, 0, 1)
        if mode == "I;16":
            return encoded(Image.fromarray(np.uint16(65535 * grey)), form)
        return encoded(Image.fromarray(np.uint8(255 * grey)).convert(mode), form)

    return take
