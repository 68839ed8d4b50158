"""The API answers what the engine computes, number for number."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from tinygrad_mnist import datasets, handwriting, introspection, models, training
from tinygrad_mnist.tensor import Tensor

SEVEN = [[[0, 0], [60, 0], [25, 90]], [[10, 45], [50, 45]]]


@pytest.fixture(scope="module")
def mnist():
    return datasets.MNIST(train=False)


def pixels(text, *shape):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(*shape)


def as_bytes(picture):
    return np.rint(255 * picture).astype(np.uint8)


def ask(client, path, **body):
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.json
    return answer.json


# --- predict -----------------------------------------------------------------------------


def test_a_drawing_is_read_as_the_engine_reads_it(client, app):
    told = ask(client, "/api/predict", strokes=SEVEN, models=list(models.MODELS))
    picture = handwriting.rasterize(SEVEN)
    np.testing.assert_array_equal(pixels(told["picture"], 28, 28), as_bytes(picture))
    assert [each["model"] for each in told["results"]] == list(models.MODELS)
    for each in told["results"]:
        network = app.extensions["networks"][each["model"]]
        logits = training.predict(network.model, Tensor(picture[None, None]))
        expected = network.confidence.probabilities(logits)[0]
        assert each["digit"] == logits.argmax() == np.argmax(each["probabilities"])
        np.testing.assert_allclose(each["probabilities"], expected, rtol=1e-5)
        assert each["sure"] == network.confidence.sure(logits)[0]
        assert each["milliseconds"] > 0


def test_without_a_word_the_best_network_answers(client):
    told = ask(client, "/api/predict", strokes=SEVEN)
    assert [each["model"] for each in told["results"]] == ["best"]
    assert told["results"][0]["digit"] == 7


def test_a_drawing_may_lie_anywhere_on_its_canvas(client):
    moved = [[[3 * x + 40, 3 * y + 20] for x, y in stroke] for stroke in SEVEN]
    told = ask(client, "/api/predict", strokes=moved, canvas=[400, 300], thickness=0.06)
    assert told["results"][0]["digit"] == 7
    first = told["steps"][0]
    assert (first["name"], first["width"], first["height"]) == ("drawn", 56, 42)


def test_the_strip_shows_every_step(client):
    told = ask(client, "/api/predict", strokes=SEVEN)
    names = ["drawn", "inverted", "cropped", "scaled", "same_pen", "centred"]
    assert [each["name"] for each in told["steps"]] == names
    assert all(each["on"] for each in told["steps"])
    drawn, inverted, cropped, *rest = (
        pixels(each["pixels"], each["height"], each["width"]) for each in told["steps"])
    assert drawn.shape == inverted.shape == (56, 56)
    np.testing.assert_allclose(255.0 - drawn, inverted, atol=1)
    assert drawn[0, 0] == 255
    assert cropped.max(axis=0).min() > 0
    assert cropped.max(axis=1).min() > 0
    assert [each.shape for each in rest] == [(28, 28)] * 3
    assert told["steps"][-1]["pixels"] == told["picture"]


@pytest.mark.parametrize("name", handwriting.STEPS)
def test_a_step_can_be_switched_off(client, name):
    told = ask(client, "/api/predict", strokes=SEVEN, canvas=[200, 100], steps={name: False})
    assert [each["name"] for each in told["steps"] if not each["on"]] == [name]
    assert told["picture"] != ask(client, "/api/predict", strokes=SEVEN)["picture"] or (
        name == "centred")  # this seven lies centred already


def test_with_all_switched_off_the_network_gets_the_page(client):
    off = dict.fromkeys(handwriting.STEPS, False)
    told = ask(client, "/api/predict", strokes=SEVEN, canvas=[100, 100], steps=off)
    page = pixels(told["picture"], 28, 28)
    assert (page == 255).mean() > 0.8  # white paper, which the network takes for ink
    assert page.min() == 0
    assert [each["on"] for each in told["steps"]] == [True] + [False] * 5


def test_mnists_own_pictures_pass_through_unchanged(client, mnist):
    for number in (0, 1, 42, 4530, 8688, 9300, 9302, 9999):  # four of them are hard to centre
        told = ask(client, "/api/predict", sample=number, models=["seed"])
        image = mnist.images[number].astype(float)
        shown = pixels(told["picture"], 28, 28)
        np.testing.assert_allclose(shown, image * 255 / image.max(), atol=0.51)  # whole numbers
        assert [each["name"] for each in told["steps"]] == ["drawn", "inverted", "cropped",
                                                            "scaled", "centred"]


@pytest.mark.parametrize(("form", "mode"), [("PNG", "L"), ("PNG", "RGB"), ("PNG", "I;16"),
                                            ("JPEG", "L"), ("JPEG", "RGB")])
def test_a_photo_is_read(client, photo, form, mode):
    told = ask(client, "/api/predict", picture=photo(SEVEN, form, mode))
    assert told["results"][0]["digit"] == 7
    assert (told["steps"][0]["width"], told["steps"][0]["height"]) == (56, 42)
    assert "same_pen" not in [each["name"] for each in told["steps"]]


def test_a_photo_that_was_taken_sideways_is_turned(client, photo, encoded):
    upright = photo(SEVEN, "JPEG", "RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # what a phone writes when it was held so that one must turn it to the right
    with Image.open(io.BytesIO(base64.b64decode(upright))) as picture:
        sideways = encoded(picture.rotate(90, expand=True), "JPEG", exif=exif)
    one, other = (pixels(ask(client, "/api/predict", picture=each)["picture"], 784)
                  for each in (upright, sideways))
    assert np.corrcoef(one, other)[0, 1] > 0.95


def test_a_large_photo_is_made_smaller(client, photo):
    told = ask(client, "/api/predict", picture=photo(SEVEN, "JPEG", "RGB", scale=8))
    assert told["results"][0]["digit"] == 7


def test_a_picture_with_transparency_or_a_palette_is_read(client, encoded):
    page = Image.fromarray(as_bytes(handwriting.on_page(
        [[[x + 20, y + 10] for x, y in stroke] for stroke in SEVEN], (120, 120), 6)))
    ink = Image.new("RGBA", page.size, "black")
    ink.putalpha(page.point(lambda grey: 255 - grey))
    for picture in (ink, page.convert("P"), page.convert("1")):
        assert ask(client, "/api/predict", picture=encoded(picture))["results"][0]["digit"] == 7


# --- explain -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", models.MODELS)
def test_every_layer_is_shown_as_it_is(client, app, mnist, name):
    told = ask(client, "/api/explain", sample=7, model=name)
    seen = introspection.activations(app.extensions["networks"][name].model,
                                     Tensor(mnist.images[7:8, None] / np.float32(255)))
    assert [each["name"] for each in told["layers"]] == [each.name for each in seen]
    for each, (_, layer, output) in zip(told["layers"], seen, strict=True):
        assert each["kind"] == type(layer).__name__
        assert each["shape"] == list(output.shape[1:])
        shown = pixels(each["values"], *each["shape"]) / 255
        values = each["low"] + shown * (each["high"] - each["low"])
        np.testing.assert_allclose(values, output[0], atol=(each["high"] - each["low"]) / 500)
    assert told["digit"] == np.argmax(told["probabilities"]) == seen[-1].output.argmax()


@pytest.mark.parametrize("name", models.MODELS)
def test_what_features_add_makes_the_logits(client, name):
    told = ask(client, "/api/explain", strokes=SEVEN, model=name)["contributions"]
    values = np.array(told["values"])
    assert values.shape == (10, told["features"])
    np.testing.assert_allclose(values.sum(axis=1) + told["bias"], told["logits"], atol=2e-3)
    assert np.argmax(told["logits"]) == 7


@pytest.mark.parametrize("name", models.MODELS)
def test_every_kind_of_cell_comes_to_its_number(client, app, mnist, name):
    """For each layer some cells, at its edges too: what is told adds up to what was computed."""
    draw = np.random.default_rng(0)
    pictures = Tensor(mnist.images[3:4, None] / np.float32(255))
    seen = introspection.activations(app.extensions["networks"][name].model, pictures)
    before = pictures.data[0]
    for layer_name, layer, output in seen:
        shape = output.shape[1:]
        places = [(0,) * len(shape), tuple(size - 1 for size in shape),
                  tuple(int(draw.integers(size)) for size in shape)]
        for place in places:
            where = dict(zip(("channel", "row", "column"), place, strict=False))
            told = ask(client, "/api/explain", sample=3, model=name,
                       cell={"layer": layer_name, **where})["cell"]
            assert told["kind"] == type(layer).__name__
            value = told["sum"] if "sum" in told else told["value"]
            assert value == pytest.approx(float(output[0][place]), abs=1e-4)
            check(told, before, where)
        before = output[0]


def check(told, before, where):
    """That the parts of one cell belong together."""
    if told["kind"] == "Conv2d":
        assert len(told["inputs"]) == len(before)
        for each in told["inputs"]:
            products = np.array(each["patch"]) * np.array(each["kernel"])
            np.testing.assert_allclose(each["products"], products, atol=1e-5)
            assert each["sum"] == pytest.approx(np.sum(each["products"]), abs=1e-4)
        total = sum(each["sum"] for each in told["inputs"]) + told["bias"]
        assert told["sum"] == pytest.approx(total)
    elif told["kind"] == "MaxPool2d":
        patch, (row, column) = np.array(told["patch"]), told["winner"]
        assert patch.shape == (2, 2)
        assert patch[row, column] == patch.max()
    elif told["kind"] == "Linear":
        products = [abs(each["product"]) for each in told["top"]]
        assert products == sorted(products, reverse=True)
        assert all(each["product"] == pytest.approx(each["input"] * each["weight"])
                   for each in told["top"])
    elif told["kind"] == "ReLU":
        assert told["value"] == max(0, told["before"])
    elif told["kind"] == "Flatten":
        origin = told["from"]
        place = (origin["channel"], origin["row"], origin["column"])
        assert told["value"] == pytest.approx(float(before[place]))
        assert np.ravel_multi_index(place, before.shape) == where["channel"]


# --- the rest ----------------------------------------------------------------------------


def test_the_models_are_described(client, app):
    told = client.get("/api/models").json
    assert told["default"] == "best"
    assert [each["name"] for each in told["models"]] == list(models.MODELS)
    seed = told["models"][2]
    assert seed["parameters"] == 30_074 == sum(each["parameters"] for each in seed["layers"])
    assert [each["kind"] for each in seed["layers"]] == [
        "Conv2d", "MaxPool2d", "Conv2d", "MaxPool2d", "Flatten", "Linear", "ReLU", "Linear"]
    assert seed["layers"][0]["shape"] == [16, 28, 28]
    header = app.extensions["networks"]["seed"].header
    assert seed["mnist"] == float(header["test_accuracy"]) > 0.9
    for field, key in (("drawn", "drawn_accuracy"), ("sure_from", "threshold")):
        assert seed[field] == (float(header[key]) if key in header else None)
    assert told["limits"]["strokes"] == 100


def test_samples_are_mnists_test_pictures(client, mnist):
    told = client.get("/api/samples").json["samples"]
    assert [each["sample"] for each in told] == list(range(20))
    np.testing.assert_array_equal(pixels(told[4]["picture"], 28, 28), mnist.images[4])
    sevens = client.get("/api/samples?digit=7&count=5").json["samples"]
    assert [each["sample"] for each in sevens] == np.flatnonzero(mnist.labels == 7)[:5].tolist()
    assert all(each["label"] == 7 for each in sevens)
    more = client.get(f"/api/samples?digit=7&count=5&after={sevens[-1]['sample'] + 1}").json
    assert [each["sample"] for each in more["samples"]] == (
        np.flatnonzero(mnist.labels == 7)[5:10].tolist())
    assert client.get("/api/samples?after=10000").json == {"samples": []}


def test_the_health_counts_requests(client):
    before = client.get("/healthz").json
    ask(client, "/api/predict", strokes=SEVEN)
    after = client.get("/healthz").json
    assert after["status"] == "ready"
    assert after["models"] == list(models.MODELS)
    assert after["requests"] == before["requests"] + 1
    assert 0 < after["p50_ms"] <= after["p95_ms"]


def test_the_document_is_served(client):
    told = client.get("/api/openapi.json")
    assert told.mimetype == "application/json"
    assert json.loads(told.data)["openapi"].startswith("3.")


def test_the_page_is_served(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.mimetype == "text/html"
