"""Whatever is wrong with a request, the answer says so: JSON, a code, a sentence, never a 500."""

import base64
import io
import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

SEVEN = [[[0, 0], [60, 0], [25, 90]]]


def refused(answer, status, code):
    assert answer.status_code == status, answer.data
    assert answer.mimetype == "application/json"
    error = answer.json["error"]
    assert error["code"] == code, error
    assert 10 < len(error["message"]) < 300
    assert "Traceback" not in error["message"]
    return error["message"]


# --- no JSON at all ----------------------------------------------------------------------

BODIES = {
    "empty": (b"", "body.not_json"),
    "cut off": (b'{"strokes": [[[0, 0]', "body.not_json"),
    "not UTF-8": (b'{"strokes": "\xff\xfe"}', "body.not_utf8"),
    "UTF-16": ('{"sample": 1}'.encode("utf-16"), "body.not_utf8"),
    "with a mark": (b'\xef\xbb\xbf{"sample": 1}', "body.not_json"),
    "NaN": (b'{"strokes": [[[NaN, 0]]]}', "body.not_json"),
    "Infinity": (b'{"strokes": [[[0, -Infinity]]]}', "body.not_json"),
    "deep": (b'{"strokes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "body.too_deep"),
    "deep objects": (b'{"steps": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "body.too_deep"),
    "endless number": (b'{"sample": ' + b"9" * 10_000 + b"}", "body.not_json"),
    "a list": (b"[]", "body.not_an_object"),
    "null": (b"null", "body.not_an_object"),
    "a number": (b"3", "body.not_an_object"),
}


@pytest.mark.parametrize("path", ["/api/predict", "/api/explain"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_json_object(client, path, name):
    body, code = BODIES[name]
    refused(client.post(path, data=body, content_type="application/json"), 400, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", None,
                                  "application/json; charset", "multipart/form-data"])
def test_a_body_of_another_type(client, kind):
    answer = client.post("/api/predict", data=b'{"sample": 1}', content_type=kind)
    if kind and kind.startswith("application/json"):  # odd parameters do no harm
        assert answer.status_code == 200
    else:
        refused(answer, 415, "body.not_json")


def test_a_body_that_is_too_large(client, app):
    large = b" " * (app.config["MAX_CONTENT_LENGTH"] + 1)
    refused(client.post("/api/predict", data=large, content_type="application/json"), 413,
            "body.too_large")


def test_an_address_or_a_method_that_there_is_not(client):
    refused(client.get("/api/nothing"), 404, "address.unknown")
    refused(client.get("/static/../webapp/api.py"), 404, "address.unknown")
    refused(client.get("/static/%2e%2e/api.py"), 404, "address.unknown")
    answer = client.get("/api/predict")
    refused(answer, 405, "method.wrong")
    assert "POST" in answer.headers["Allow"]


# --- wrong values ------------------------------------------------------------------------

WRONG = {
    "nothing drawn": ({}, "drawing.missing"),
    "two drawings": ({"strokes": SEVEN, "sample": 3}, "drawing.ambiguous"),
    "unknown field": ({"sample": 3, "stroke": []}, "body.unknown_field"),
    "no strokes": ({"strokes": []}, "drawing.empty"),
    "empty strokes": ({"strokes": [[], []]}, "drawing.empty"),
    "strokes a word": ({"strokes": "seven"}, "strokes.not_a_list"),
    "strokes an object": ({"strokes": {"0": [[0, 0]]}}, "strokes.not_a_list"),
    "a stroke null": ({"strokes": [None]}, "strokes.not_points"),
    "a flat stroke": ({"strokes": [[0, 0]]}, "strokes.not_points"),
    "three coordinates": ({"strokes": [[[0, 0, 0]]]}, "strokes.not_points"),
    "deeper": ({"strokes": [[[[0, 0], [1, 1]]]]}, "strokes.not_finite"),
    "a point an object": ({"strokes": [[{"x": 1, "y": 2}]]}, "strokes.not_points"),
    "a point of words": ({"strokes": [[["1", "2"]]]}, "strokes.not_finite"),
    "true for a number": ({"strokes": [[[True, 0]]]}, "strokes.not_finite"),
    "null for a number": ({"strokes": [[[None, 0]]]}, "strokes.not_finite"),
    "far away": ({"strokes": [[[0, 100_001]]]}, "strokes.not_finite"),
    "very far away": ({"strokes": [[[0, 10**400]]]}, "strokes.not_finite"),
    "too many strokes": ({"strokes": [[[0, 0]]] * 101}, "strokes.too_many"),
    "too many points": ({"strokes": [[[0, 0]] * 2501] * 2}, "points.too_many"),
    "beside the canvas": ({"strokes": [[[500, 500]]], "canvas": [100, 100]}, "drawing.no_ink"),
    "canvas a number": ({"strokes": SEVEN, "canvas": 280}, "canvas.not_a_size"),
    "canvas without height": ({"strokes": SEVEN, "canvas": [280]}, "canvas.not_a_size"),
    "canvas of nothing": ({"strokes": SEVEN, "canvas": [280, 0]}, "canvas.out_of_range"),
    "canvas true": ({"strokes": SEVEN, "canvas": [280, True]}, "canvas.out_of_range"),
    "canvas enormous": ({"strokes": SEVEN, "canvas": [1e6, 1]}, "canvas.out_of_range"),
    "thickness": ({"strokes": SEVEN, "thickness": 0.3}, "thickness.out_of_range"),
    "thickness null": ({"strokes": SEVEN, "thickness": None}, "thickness.out_of_range"),
    "sample too high": ({"sample": 10_000}, "sample.out_of_range"),
    "sample negative": ({"sample": -1}, "sample.out_of_range"),
    "sample a fraction": ({"sample": 1.5}, "sample.out_of_range"),
    "sample true": ({"sample": True}, "sample.out_of_range"),
    "steps a list": ({"sample": 1, "steps": ["cropped"]}, "steps.not_an_object"),
    "steps null": ({"sample": 1, "steps": None}, "steps.not_an_object"),
    "unknown step": ({"sample": 1, "steps": {"crop": False}}, "steps.unknown_field"),
    "a step 0": ({"sample": 1, "steps": {"cropped": 0}}, "steps.not_a_switch"),
    "picture a number": ({"picture": 3}, "picture.not_base64"),
    "picture no base64": ({"picture": "äöü"}, "picture.not_base64"),
    "picture half base64": ({"picture": "abc"}, "picture.not_base64"),
    "picture a data URL": ({"picture": "data:image/png;base64,AAAA"}, "picture.not_base64"),
    "picture empty": ({"picture": ""}, "picture.unreadable"),
    "picture no picture": ({"picture": "aGVsbG8="}, "picture.unreadable"),
}

WRONG_FOR_PREDICT = {
    "models a word": ({"sample": 1, "models": "seed"}, "models.not_a_list"),
    "no models": ({"sample": 1, "models": []}, "models.not_a_list"),
    "unknown model": ({"sample": 1, "models": ["../seed"]}, "model.unknown"),
    "model a list": ({"sample": 1, "models": [["seed"]]}, "model.unknown"),
    "model twice": ({"sample": 1, "models": ["seed", "seed"]}, "models.repeated"),
    "cell": ({"sample": 1, "cell": {}}, "body.unknown_field"),
}

WRONG_FOR_EXPLAIN = {
    "unknown model": ({"sample": 1, "model": "gpt"}, "model.unknown"),
    "model null": ({"sample": 1, "model": None}, "model.unknown"),
    "cell a list": ({"sample": 1, "cell": []}, "cell.not_an_object"),
    "cell without layer": ({"sample": 1, "cell": {"row": 1}}, "layer.unknown"),
    "layer a number": ({"sample": 1, "cell": {"layer": 0}}, "layer.unknown"),
    "unknown layer": ({"sample": 1, "model": "seed", "cell": {"layer": "8"}}, "layer.unknown"),
    "channel": ({"sample": 1, "model": "seed", "cell": {"layer": "0", "channel": 16}},
                "channel.out_of_range"),
    "row": ({"sample": 1, "model": "seed", "cell": {"layer": "0", "row": -1}},
            "row.out_of_range"),
    "column": ({"sample": 1, "model": "seed", "cell": {"layer": "0", "column": 0.5}},
               "column.out_of_range"),
    "row of numbers": ({"sample": 1, "model": "seed", "cell": {"layer": "7", "row": 1}},
                       "row.out_of_range"),
    "unknown part": ({"sample": 1, "cell": {"layer": "0", "x": 1}}, "cell.unknown_field"),
}


@pytest.mark.parametrize("path", ["/api/predict", "/api/explain"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_drawing(client, path, name):
    body, code = WRONG[name]
    refused(client.post(path, json=body), 400, code)


@pytest.mark.parametrize("name", WRONG_FOR_PREDICT)
def test_a_wrong_question_to_predict(client, name):
    body, code = WRONG_FOR_PREDICT[name]
    refused(client.post("/api/predict", json=body), 400, code)


@pytest.mark.parametrize("name", WRONG_FOR_EXPLAIN)
def test_a_wrong_question_to_explain(client, name):
    body, code = WRONG_FOR_EXPLAIN[name]
    refused(client.post("/api/explain", json=body), 400, code)


@pytest.mark.parametrize("query", ["digit=10", "digit=-1", "digit=x", "digit=", "count=0",
                                   "count=101", "count=1e1", "after=-1", "after=10001",
                                   "after=99999999999999999999", "digit=\u0663", "digit=%ff"])
def test_a_wrong_question_for_samples(client, query):
    refused(client.get(f"/api/samples?{query}"), 400, query.partition("=")[0] + ".out_of_range")


def test_a_sentence_says_what_is_wrong_and_where(client):
    strokes = [[[0, 0]], [[1, 1], [2, float(10**9)]]]
    said = refused(client.post("/api/predict", json={"strokes": strokes}), 400,
                   "strokes.not_finite")
    assert said == "stroke 2 has a point that is not two finite numbers within 100,000 of 0"


def test_numbers_beyond_all_bounds(client):
    body = b'{"strokes": [[[1e999, 0]]]}'
    refused(client.post("/api/predict", data=body, content_type="application/json"), 400,
            "strokes.not_finite")
    body = b'{"strokes": [[[1, 0]]], "thickness": 1e999}'
    refused(client.post("/api/predict", data=body, content_type="application/json"), 400,
            "thickness.out_of_range")


def test_what_goes_wrong_in_the_server_is_told_without_details(client, app, monkeypatch, caplog):
    def fails(*arguments):
        raise RuntimeError("a secret")

    monkeypatch.setattr("webapp.drawings.prepared", fails)
    answer = client.post("/api/predict", json={"sample": 1})
    assert "secret" not in refused(answer, 500, "server.error")
    assert "a secret" in caplog.text  # in the log it is told in full


# --- pictures ----------------------------------------------------------------------------


def png(width, height, data=b""):
    """A PNG whose header says that it is so large, and which holds next to nothing."""
    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


def noise(width, height):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width), np.uint8))


def send(client, raw):
    return client.post("/api/predict", json={"picture": base64.b64encode(raw).decode()})


@pytest.mark.parametrize("size", [(5000, 4000), (16_000_001, 1), (30_000, 30_000),
                                  (2**31 - 1, 2**31 - 1)])
def test_a_picture_that_would_grow_enormous_is_refused_unread(client, size):
    refused(send(client, png(*size)), 400, "picture.too_large")


def test_a_file_that_is_too_large(client):
    body = json.dumps({"picture": "A" * (6 * 1024 * 1024 - 100)})
    refused(client.post("/api/predict", data=body, content_type="application/json"), 413,
            "picture.too_large")


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "WEBP", "ICO", "PPM"])
def test_other_forms_of_pictures_are_not_read(client, encoded, form):
    picture = encoded(Image.new("RGB", (32, 32), "white"), form)
    refused(client.post("/api/predict", json={"picture": picture}), 400, "picture.unreadable")


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (28, 28)])
def test_a_blank_picture(client, encoded, size):
    picture = encoded(Image.new("L", size, 200))
    refused(client.post("/api/predict", json={"picture": picture}), 400, "drawing.no_ink")


def test_a_picture_that_is_cut_off(client):
    file = io.BytesIO()
    noise(100, 100).save(file, "PNG")
    refused(send(client, file.getvalue()[:-2000]), 400, "picture.unreadable")
    refused(send(client, png(40, 40, b"\0" * 10)), 400, "picture.unreadable")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_picture_is_read_or_refused(app, data):
    client = app.test_client()
    file = io.BytesIO()
    form = data.draw(st.sampled_from(["PNG", "JPEG"]))
    exif = Image.Exif()
    exif[0x0112] = 6
    noise(40, 30).save(file, form, exif=exif)
    raw = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert send(client, bytes(raw)).status_code in (200, 400)
