"""The program: it serves, says where, and says in a sentence why it cannot."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

import webapp
import webapp.__main__ as program
from tinygrad_mnist import datasets
from webapp.serving import THREADS, make_server

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address(serve):
    return serve()


def exchange(address, sent):
    """What the server answers to these bytes, until it closes the connection."""
    with socket.create_connection((urlsplit(address).hostname, urlsplit(address).port)) as line:
        line.settimeout(20)
        line.sendall(sent)
        answer = b""
        while more := line.recv(65536):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode(), body


def test_it_serves_the_page_and_predictions(address):
    with urlopen(address) as answer:
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.headers.get("Server") is None
    body = json.dumps({"sample": 0}).encode()
    with urlopen(Request(f"{address}/api/predict", body,
                         {"Content-Type": "application/json"})) as answer:
        assert json.load(answer)["results"][0]["digit"] == 7


@pytest.mark.parametrize("sent", [
    b"nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
])
def test_what_is_no_http_is_refused_as_json(address, sent):
    head, body = exchange(address, sent)
    assert head.startswith("HTTP/1.")
    assert head.split()[1].startswith("4")
    assert "application/json" in head
    assert json.loads(body)["error"]["code"] in ("request.bad", "body.too_large")


def test_clients_that_break_off_do_no_harm(address):
    begun = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
    for sent in (b"", b"POST /api", begun):
        with socket.create_connection((urlsplit(address).hostname, urlsplit(address).port)) as line:
            line.sendall(sent)
    request = b"GET /api/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for _ in range(THREADS + 1):  # they ask, and do not wait for the answer
        with socket.create_connection((urlsplit(address).hostname, urlsplit(address).port)) as line:
            line.sendall(request)
    with urlopen(f"{address}/healthz") as answer:
        assert json.load(answer)["status"] == "ready"


# --- what keeps it from starting ---------------------------------------------------------


@pytest.fixture
def said(capsys, free_port):
    """Start the program in vain: the one line in which it says why."""

    def start(*arguments, port=None):
        assert program.main([*arguments, "--port", str(port or free_port())]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.splitlines()
        return line

    return start


def test_a_port_that_is_taken(said):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = said(port=port)
    assert line.startswith(f"webapp: port {port} is taken: ")
    assert line.endswith(f"Choose another one: --port {port + 1}")


def test_missing_weights(said, monkeypatch, tmp_path):
    monkeypatch.setattr(webapp, "models_root", lambda: tmp_path)
    assert "there are no trained weights in " in said()


def test_damaged_weights(said, monkeypatch, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "seed.safetensors").write_bytes(b"not weights")
    monkeypatch.setenv("TINYGRAD_MNIST_DATA", str(tmp_path))
    assert "is not a whole safetensors file" in said()


def test_missing_pictures(said, monkeypatch, tmp_path):
    shutil.copytree(datasets.models_root(), tmp_path / "models")
    monkeypatch.setenv("TINYGRAD_MNIST_DATA", str(tmp_path))
    assert "t10k-images-idx3-ubyte" in said()


def test_a_file_that_cannot_be_written(said, tmp_path):
    assert str(tmp_path / "no" / "drawn") in said("--collect", str(tmp_path / "no/drawn"))


@pytest.mark.parametrize("host", ["0.0.0.0", pytest.param("::", marks=pytest.mark.skipif(
    not socket.has_dualstack_ipv6(), reason="this machine has no IPv6"))])
def test_all_addresses_are_answered_whichever_way_they_are_asked_for(host):
    server = make_server(webapp.create_app(), host, 0)
    try:
        with socket.create_connection(("127.0.0.1", int(server.effective_port)), 5):
            pass
    finally:
        server.close()
        server.task_dispatcher.shutdown()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine(said, host):
    assert f"{host} is no address of this machine" in said("--host", host)


@pytest.mark.parametrize("arguments", [["--port", "0"], ["--port", "x"], ["--rate", "-1"],
                                       ["--rate", "nan"], ["--threads", "0"], ["more"]])
def test_a_wrong_command_line(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        program.main(arguments)
    assert stopped.value.code == 2
    assert "usage: python -m webapp" in capsys.readouterr().err


# --- the load tool -----------------------------------------------------------------------


@pytest.mark.slow
def test_the_load_tool_measures_without_errors():
    done = subprocess.run(
        [sys.executable, "tests/benchmarks/load.py", "--clients", "5", "--seconds", "4"],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("5 clients, 4 s, model best: ")
    assert second.startswith("median ")
    assert second.endswith("errors 0")


@pytest.mark.slow
def test_the_load_tool_counts_what_goes_wrong(address):
    done = subprocess.run(
        [sys.executable, "tests/benchmarks/load.py", "--clients", "2", "--seconds", "4", "--url",
         address, "--model", "no such model"],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "there is no model" in done.stdout
