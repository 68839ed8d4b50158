"""Looking inside shows what was computed, and changes nothing."""

import threading
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_mnist as tg
from tinygrad_mnist import functional, introspection, models, nn
from tinygrad_mnist.nn import watching
from tinygrad_mnist.tensor import Tensor

PICTURES = Tensor(np.random.default_rng(0).random((3, 1, 28, 28), dtype=np.float32))


def test_activations_are_what_each_layer_gives():
    model = models.create("seed")
    seen = introspection.activations(model, PICTURES)
    assert [each.name for each in seen] == [str(place) for place in range(8)]
    expected = PICTURES
    for layer, each in zip(model, seen, strict=True):
        expected = layer(expected)
        np.testing.assert_array_equal(each.output, expected.data)
        assert each.layer is layer
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_module_of_ones_own_is_seen_inside():
    class Own(nn.Module):
        def __init__(self):
            self.first, self.again = nn.Flatten(), nn.Sequential(nn.Linear(784, 4), nn.ReLU())

        def forward(self, x):
            return self.again(self.first(x))

    assert [each.name for each in introspection.activations(Own(), PICTURES)] == [
        "first", "again.0", "again.1"]


def test_watching_ends_with_its_block_and_holds_for_its_thread_only():
    model, seen = models.create("linear"), []
    with watching(lambda module, output: seen.append(module)):
        other = threading.Thread(target=model, args=(PICTURES,))
        other.start()
        other.join()
        assert not seen
        model(PICTURES)
    count = len(seen)
    assert count == 3
    model(PICTURES)
    assert len(seen) == count


def test_the_summary_counts_what_is_learnt():
    lines = introspection.summary(models.create("seed")).splitlines()
    assert lines[1].split() == ["0:", "Conv2d", "16", "x", "28", "x", "28", "160"]
    assert lines[-1].split() == ["30,074"]
    assert sum(int(line.split()[-1].replace(",", "")) for line in lines[1:-1]) == 30_074


def test_a_layer_that_learns_nothing_has_a_summary():
    assert introspection.summary(nn.ReLU()).splitlines()[-1].split() == ["0"]


@pytest.mark.slow
@pytest.mark.parametrize("name", models.MODELS)
def test_every_model_is_drawn(name, tmp_path):
    file = tmp_path / "seen.png"
    introspection.draw(models.create(name), PICTURES.data[0, 0], file)
    assert file.read_bytes().startswith(b"\x89PNG")


# --- the trace ---------------------------------------------------------------------------


def one_step(model):
    loss = functional.cross_entropy(model(PICTURES), np.array([1, 2, 3]))
    loss.backward()


def test_a_trace_has_a_line_for_each_operation():
    model = models.create("seed")
    with introspection.trace(show=None) as traced:
        one_step(model)
        one_step(model)
    lines = list(traced.lines.values())
    assert [line.name for line in lines] == ["conv2d", "max_pool2d", "conv2d", "max_pool2d",
                                             "flatten", "linear", "relu", "linear",
                                             "cross_entropy"]
    assert lines[2].shapes == ((3, 16, 14, 14), (32, 16, 3, 3), (32,))
    assert all(line.calls == 2 and line.forward > 0 and line.backward > 0 for line in lines)
    assert sum(line.forward + line.backward for line in lines) < traced.seconds


def test_a_trace_counts_the_arithmetic_of_matrix_products():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 26 * 26, 10))
    with introspection.trace(show=None) as traced:
        one_step(model)
    conv = 2 * 3 * 2 * 26 * 26 * 9     # forward, and backward for the kernels only
    linear = 2 * 3 * 10 * 2 * 26 * 26  # forward, and backward for weights and input
    assert sum(line.arithmetic for line in traced.lines.values()) == 2 * conv + 3 * linear


def test_a_trace_is_printed_at_the_end_of_its_block(capsys):
    with introspection.trace():
        one_step(models.create("linear"))
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["milliseconds", "shapes", "calls", "forward", "backward", "share"]
    assert table[2].startswith("linear        3x784, 10x784, 10")
    assert table[-2].startswith("all the rest")
    assert table[-1].endswith("that this machine can do")


def test_a_trace_changes_no_result_and_sees_no_other_thread():
    model = models.create("seed")
    one_step(model)
    expected = {name: p.grad.numpy().copy() for name, p in model.named_parameters()}
    model.zero_grad()
    with introspection.trace(show=None) as traced:
        one_step(model)
        other = threading.Thread(target=one_step, args=(models.create("mlp"),))
        other.start()
        other.join()
    assert all(line.calls == 1 for line in traced.lines.values())
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(parameter.grad.numpy(), expected[name])


def test_an_error_inside_a_trace_is_the_error():
    with pytest.raises(ValueError, match=r"^linear: "), introspection.trace(show=None):
        models.create("linear")(Tensor(np.zeros((2, 5), np.float32)))


class Unusual(nn.Module):
    """With a layer that is no attribute of it, and one that is active in a training only."""

    def __init__(self):
        self.dropout, self.last = nn.Dropout(0.5), nn.Linear(784, 2)

    def forward(self, pictures):
        return self.last(self.dropout(nn.Flatten()(pictures)))


def test_to_look_at_a_model_disturbs_neither_it_nor_its_training():
    model = Unusual()
    tg.manual_seed(0)
    expected = tg.backend.generator().random()
    tg.manual_seed(0)
    first, again = (introspection.activations(model, PICTURES) for _ in range(2))
    assert "Unusual" not in introspection.summary(model)
    assert [each.name for each in first] == ["", "dropout", "last"]
    np.testing.assert_array_equal(first[-1].output, again[-1].output)
    assert model.training
    assert model.dropout.training
    assert tg.backend.generator().random() == expected


def test_a_trace_takes_inputs_by_name():
    weight = Tensor(np.ones((2, 1, 3, 3), np.float32))
    with introspection.trace(None) as trace:
        functional.conv2d(PICTURES, weight=weight)
        PICTURES.flatten(1).max(1)
    (convolution, *others) = trace.lines.values()
    assert convolution.shapes == ((3, 1, 28, 28), (2, 1, 3, 3))
    assert "?" not in {line.name for line in others}


# --- the graph ---------------------------------------------------------------------------


def drawn(path):
    """The texts of a graph's nodes in pairs (name, shape), and how many lines there are."""
    picture = ElementTree.parse(path).getroot()
    texts = [each.text for each in picture.findall("{*}text")]
    return list(zip(texts[::2], texts[1::2], strict=True)), len(picture.findall("{*}path"))


def test_the_graph_of_a_network_names_steps_and_parameters(tmp_path):
    model = models.create("mlp")
    loss = functional.cross_entropy(model(PICTURES), np.zeros(3, int))
    introspection.graph(loss, tmp_path / "graph.svg", model)
    nodes, lines = drawn(tmp_path / "graph.svg")
    assert nodes == [("linear", "3 x 64"), ("1.weight", "64 x 784"), ("1.bias", "64"),
                     ("relu", "3 x 64"),
                     ("linear", "3 x 10"), ("3.weight", "10 x 64"), ("3.bias", "10"),
                     ("cross_entropy", "a number")]
    assert lines == 7
    loss.backward()  # which can be done after it
    with pytest.raises(RuntimeError, match="the graph behind <cross_entropy> has been let go"):
        introspection.graph(loss, tmp_path / "other.svg")
    with pytest.raises(ValueError, match="nothing was recorded"):
        introspection.graph(PICTURES, tmp_path / "other.svg")
    assert not (tmp_path / "other.svg").exists()


def test_what_is_used_twice_is_drawn_once(tmp_path):
    a, b = (tg.tensor([1.0, 2.0], requires_grad=True) for _ in "ab")
    introspection.graph(((a * b).exp() + (a - b) * a + a * a).sum(), tmp_path / "graph.svg")
    nodes, lines = drawn(tmp_path / "graph.svg")
    assert sorted(name for name, _ in nodes) == sorted(
        ["leaf"] * 2 + ["multiply"] * 3 + ["exp", "subtract", "add", "add", "sum"])
    assert lines == 2 + 1 + 2 + 2 + 1 + 2 + 2 + 1


def test_a_way_past_other_steps_goes_around_them(tmp_path):
    start = tg.tensor([1.0], requires_grad=True) * 2
    introspection.graph(start.exp().tanh() + start, tmp_path / "graph.svg")
    paths = [each.get("d").split() for each in ElementTree.parse(tmp_path / "graph.svg").getroot()
             .findall("{*}path")]
    straight = [int(path[1]) == int(path[4]) for path in paths if path[1] == path[6]]
    assert sorted(straight) == [False, True, True, True]


def test_a_deep_graph_is_drawn_without_recursion(tmp_path):
    value = start = tg.tensor([1.0], requires_grad=True)
    for _ in range(3000):
        value = value + start
    introspection.graph(value, tmp_path / "graph.svg")
    assert len(drawn(tmp_path / "graph.svg")[0]) == 3001
