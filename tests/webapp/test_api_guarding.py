"""What protects the page: how often one may ask, the headers, the names it goes by, feedback."""

import json

import numpy as np
import pytest

import webapp
from tinygrad_mnist import cli, handwriting
from webapp.guarding import REMEMBERED, Buckets

SEVEN = [[[0, 0], [60, 0], [25, 90]], [[10, 45], [50, 45]]]


# --- how often ---------------------------------------------------------------------------


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_bucket_lets_a_burst_through_and_then_a_steady_rate():
    clock = Clock()
    buckets = Buckets(rate=2, burst=3, clock=clock)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == pytest.approx(0.5)
    assert buckets.take("b") == 0  # each address has its own
    clock.now += 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    clock.now += 1000
    assert [buckets.take("a") == 0 for _ in range(4)] == [True, True, True, False]


def test_a_bucket_remembers_only_so_many_addresses():
    buckets = Buckets(rate=1, burst=1, clock=Clock())
    for number in range(REMEMBERED + 50):
        buckets.take(str(number))
    assert len(buckets._buckets) == REMEMBERED
    assert buckets.take("0") == 0  # forgotten, so it begins anew


def test_who_asks_too_often_is_told_when_to_come_back():
    client = webapp.create_app({"RATE": 0.5, "BURST": 2}).test_client()
    assert [client.get("/api/samples?count=1").status_code for _ in range(2)] == [200, 200]
    answer = client.get("/api/samples?count=1")
    assert answer.status_code == 429
    assert answer.json["error"]["code"] == "rate.too_fast"
    assert 1 <= int(answer.headers["Retry-After"]) <= 2
    assert client.get("/healthz").status_code == 200  # whoever watches the server may always
    with client.get("/static/main.js") as file:
        assert file.status_code == 200  # a page is whole, or it is of no use
    other = client.get("/api/samples?count=1", environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert other.status_code == 200


# --- headers and names -------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/models", "/api/nothing",
                                  "/static/nothing"])
def test_every_answer_has_the_headers(client, path):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Set-Cookie" not in headers
    assert (headers.get("Cache-Control") == "no-store") == (path not in ("/", "/static/nothing"))


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.example",
                                  "evil.example:5000", "", "]", "a b", "localhost@evil.example",
                                  "1.2.3"])
def test_other_names_are_not_answered(client, host):
    answer = client.post("/api/predict", json={"sample": 1}, headers={"Host": host})
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "host.unknown"


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "LocalHost", "127.0.0.1:81",
                                  "[::1]:5000", "192.168.1.7:5000"])
def test_its_own_names_are(client, host):
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


# --- feedback ----------------------------------------------------------------------------


def test_without_a_file_nothing_is_kept(client):
    answer = client.post("/api/feedback", json={"strokes": SEVEN, "label": 7})
    assert answer.status_code == 403
    assert answer.json["error"]["code"] == "feedback.off"
    assert client.post("/api/feedback", json={"nonsense": 1}).status_code == 403


@pytest.fixture
def collecting(tmp_path):
    file = tmp_path / "drawn.jsonl"
    return webapp.create_app({"COLLECT": file, "COLLECT_BYTES": 300}).test_client(), file


def test_a_drawing_is_kept_as_strokes_and_label_and_nothing_else(collecting, capsys):
    client, file = collecting
    answer = client.post("/api/feedback", json={"strokes": [*SEVEN, []], "label": 7},
                         headers={"User-Agent": "somebody", "X-Forwarded-For": "192.0.2.1"})
    assert (answer.status_code, answer.json) == (201, {"stored": True})
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"label": 7, "strokes": SEVEN}]
    pictures, labels = handwriting.read_drawings(file)
    np.testing.assert_array_equal(pictures[0], handwriting.rasterize(SEVEN))
    assert labels.tolist() == [7]
    seed = webapp.models_root() / "seed.safetensors"
    assert cli.main(["evaluate", str(seed), "--drawn", str(file)]) == 0
    assert "the 1 drawing of" in capsys.readouterr().out


def test_whoever_has_pressed_the_wrong_digit_may_press_another(collecting):
    client, file = collecting
    for strokes, label in ((SEVEN, 3), (SEVEN, 1), (SEVEN[:1], 7), (SEVEN[:1], 2), (SEVEN, 7)):
        answer = client.post("/api/feedback", json={"strokes": strokes, "label": label})
        assert answer.status_code == 201
    assert handwriting.read_strokes(file)[1].tolist() == [1, 2, 7]


def test_a_file_that_others_write_to_is_only_added_to(collecting):
    client, file = collecting
    question = {"strokes": SEVEN[:1], "label": 3}
    client.post("/api/feedback", json=question)
    with open(file, "ab") as other:
        other.write(b'{"label": 5, "strokes": [[[0, 0]]]}\n')
    client.post("/api/feedback", json=question | {"label": 1})
    assert handwriting.read_strokes(file)[1].tolist() == [3, 5, 1]


def test_the_file_never_grows_beyond_its_limit(collecting):
    client, file = collecting
    drawings = [[[[number, 0], *SEVEN[0][1:]], SEVEN[1]] for number in range(6)]
    answers = [client.post("/api/feedback", json={"strokes": strokes, "label": 7})
               for strokes in drawings]
    assert [each.status_code for each in answers] == [201, 201, 201, 403, 403, 403]
    assert answers[-1].json["error"]["code"] == "feedback.full"
    assert file.stat().st_size <= 300
    assert len(handwriting.read_strokes(file)[0]) == 3


@pytest.mark.parametrize(("body", "code"), [
    ({"strokes": SEVEN}, "label.out_of_range"),
    ({"strokes": SEVEN, "label": 10}, "label.out_of_range"),
    ({"strokes": SEVEN, "label": True}, "label.out_of_range"),
    ({"strokes": SEVEN, "label": "7"}, "label.out_of_range"),
    ({"label": 7}, "strokes.not_a_list"),
    ({"strokes": [], "label": 7}, "drawing.empty"),
    ({"strokes": SEVEN, "label": 7, "name": "me"}, "body.unknown_field")])
def test_only_drawings_with_a_label_are_kept(collecting, body, code):
    client, file = collecting
    answer = client.post("/api/feedback", json=body)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, code)
    assert file.read_text() == ""


def test_the_page_is_told_whether_drawings_are_kept(client, collecting):
    assert client.get("/").data != collecting[0].get("/").data
