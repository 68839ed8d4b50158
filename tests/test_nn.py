"""Layers and networks against torch.nn, from the same weights.

A layer here is a line of text that both libraries run, because names and defaults are
torch's; a network is a function of `nn` that builds it from either. Weights always come from
the other library through a state_dict, so every comparison also moves them. They are made on
the host and moved to each device; what ends there or computes nothing says so (`cpu_alone`).
"""

from collections import OrderedDict

import numpy as np
import pytest
from comparing import cpu_alone, here, where

import tinygrad_mnist as tg
from tinygrad_mnist import nn, optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
torch.set_num_threads(1)  # two libraries with threads of their own would wait for each other
pytestmark = pytest.mark.usefixtures("every_device")

PICTURES, ROWS = (2, 3, 8, 8), (5, 6)

LAYERS = [
    ("nn.Linear(6, 4)", ROWS),
    ("nn.Linear(6, 4)", (2, 3, 6)),
    ("nn.Linear(6, 4, bias=False)", ROWS),
    ("nn.Linear(6, 1, False)", (1, 6)),
    ("nn.Linear(np.int64(6), 4)", ROWS),
    ("nn.Conv2d(3, 4, 3)", PICTURES),
    ("nn.Conv2d(3, 4, (3, 2), (2, 1), (1, 0))", PICTURES),
    ("nn.Conv2d(3, 4, 3, 2, 1, 2)", PICTURES),
    ("nn.Conv2d(in_channels=3, out_channels=1, kernel_size=[1, 5], padding=2)", PICTURES),
    ("nn.Conv2d(3, 4, kernel_size=3, stride=2, padding=1, bias=False)", PICTURES),
    ("nn.MaxPool2d(2)", PICTURES),
    ("nn.MaxPool2d(kernel_size=(3, 2), stride=(2, 1), padding=1)", PICTURES),
    ("nn.MaxPool2d(3, 2, 1)", PICTURES),
    ("nn.AvgPool2d(2)", PICTURES),
    ("nn.AvgPool2d((3, 2), (2, 1), (1, 0))", PICTURES),
    ("nn.Flatten()", PICTURES),
    ("nn.Flatten(0, 1)", PICTURES),
    ("nn.Flatten(2)", PICTURES),
    ("nn.ReLU()", ROWS),
    ("nn.Sigmoid()", ROWS),
    ("nn.Tanh()", ROWS),
    ("nn.Dropout(0.3).eval()", ROWS),
    ("nn.Dropout(0.0)", ROWS),
    ("nn.Dropout(p=1)", ROWS),
    ("nn.Sequential()", ROWS),
    ("nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4))", PICTURES),
    ("nn.Sequential(OrderedDict(first=nn.Linear(6, 4), then=nn.Tanh()))", ROWS),
]
TEXTS = list(dict.fromkeys(text for text, _ in LAYERS if "np." not in text))


def built(text, library=tg):
    made = eval(text, {"nn": library.nn, "OrderedDict": OrderedDict, "np": np})
    return made.to(where()) if library is tg else made


def as_torch(state_dict):
    return {key: torch.tensor(value.numpy()) for key, value in state_dict.items()}


def contents(model):
    return {key: value.numpy().copy() for key, value in model.state_dict().items()}


def shapes(model):
    return {key: tuple(value.shape) for key, value in model.state_dict().items()}


def assert_close(got, want, tolerance, what="value"):
    got, want = got.detach().numpy(), want.detach().numpy()
    assert got.dtype == want.dtype, what
    assert got.shape == want.shape, what
    scale = np.abs(want).max(initial=0.1)  # what is added up is of order 1, even if it cancels out
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * scale, err_msg=what)


def random(*shape):
    return np.random.default_rng(shape).standard_normal(shape)


# --- what layers compute -----------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize(("text", "shape"), LAYERS)
def test_a_layer_and_all_its_gradients(text, shape, dtype, tolerance):
    ours, theirs = built(text), built(text, torch).to(getattr(torch, dtype))
    ours.to(np.dtype(dtype)).load_state_dict(theirs.state_dict())
    array = random(*shape).astype(dtype)
    x, y = here(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    (got := ours(x)).backward(np.ones(got.shape, dtype))
    (want := theirs(y)).backward(torch.ones_like(want))
    assert_close(got, want, tolerance)
    assert_close(x.grad, y.grad, tolerance, "gradient of the input")
    expected = dict(theirs.named_parameters())
    assert [name for name, _ in ours.named_parameters()] == list(expected)
    for name, parameter in ours.named_parameters():
        assert_close(parameter.grad, expected[name].grad, tolerance, name)


LOSSES = [
    "nn.CrossEntropyLoss()",
    'nn.CrossEntropyLoss(reduction="sum")',
    'nn.CrossEntropyLoss(reduction="none")',
    "nn.CrossEntropyLoss(label_smoothing=0.1)",
    "nn.MSELoss()",
    'nn.MSELoss(reduction="sum")',
    'nn.MSELoss(reduction="none")',
]


@pytest.mark.parametrize("text", LOSSES)
def test_a_loss_and_its_gradient(text):
    array = random(*ROWS)
    target = np.array([0, 5, 3, 3, 1]) if "Cross" in text else array[::-1].copy()
    x, y = here(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    got, want = built(text)(x, here(target)), built(text, torch)(y, torch.tensor(target))
    got.sum().backward()
    want.sum().backward()
    assert_close(got, want, 1e-12)
    assert_close(x.grad, y.grad, 1e-12, "gradient")


def test_dropout_drops_p_of_the_elements_and_scales_the_rest():
    x = here(np.ones((200, 500), np.float32), requires_grad=True)
    (result := nn.Dropout(0.3)(x)).sum().backward()
    np.testing.assert_allclose(np.unique(result.numpy()), [0, 1 / 0.7], rtol=1e-6)
    assert abs((result.numpy() == 0).mean() - 0.3) < 0.01  # 7 standard deviations
    np.testing.assert_array_equal(x.grad.numpy(), result.numpy())


# --- what networks own -------------------------------------------------------------------


def sequential(nn):
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 5), nn.ReLU())


def named(nn):
    layers = OrderedDict(conv=nn.Conv2d(1, 2, 3), flat=nn.Flatten(), out=nn.Linear(72, 5))
    return nn.Sequential(layers)


def deep(nn):
    inner = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(64, 4), nn.Tanh()))
    return nn.Sequential(inner, nn.Linear(4, 5, bias=False))


def class_of_its_own(nn):
    class Net(nn.Module):
        def __init__(self):
            super(Net, self).__init__()  # noqa: UP008 - as the talk writes it
            self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
            self.classify = nn.Linear(72, 5)
            self.scale = nn.Parameter(nn.Linear(1, 5).bias.detach())
            self.nothing = None

        def forward(self, x):
            return self.classify(self.features(x).reshape(-1, 72)) * self.scale

    return Net()


def class_that_calls_no_super(nn):
    class Net(nn.Module):
        def __init__(self):
            if nn is torch.nn:  # where it is obligatory
                super().__init__()
            self.one, self.two = nn.Linear(64, 3), nn.Linear(3, 5)

        def forward(self, x):
            return self.two(self.one(x.reshape(-1, 64)).tanh())

    return Net()


def shared_weights(nn):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(64, 64)
            self.second = nn.Linear(64, 64)
            self.second.weight = self.first.weight
            self.again = self.first

        def forward(self, x):
            return self.again(self.second(self.first(x.reshape(-1, 64))).tanh())

    return Net()


NETWORKS = [sequential, named, deep, class_of_its_own, class_that_calls_no_super, shared_weights]


@pytest.mark.parametrize("network", NETWORKS)
def test_keys_shapes_and_order_are_torchs(network):
    ours, theirs = network(nn).to(where()), network(torch.nn)
    assert list(shapes(ours).items()) == list(shapes(theirs).items())
    for what in ("named_parameters", "named_children", "named_modules"):
        assert [name for name, _ in getattr(ours, what)()] == \
            [name for name, _ in getattr(theirs, what)()], what
    for what in ("parameters", "children", "modules"):
        assert len(list(getattr(ours, what)())) == len(list(getattr(theirs, what)())), what


@pytest.mark.parametrize("direction", ["from torch", "to torch"])
@pytest.mark.parametrize("network", NETWORKS)
def test_weights_move_both_ways(network, direction):
    ours, theirs = network(nn).to(where()), network(torch.nn)
    if direction == "from torch":
        ours.load_state_dict(theirs.state_dict())
    else:
        theirs.load_state_dict(as_torch(ours.state_dict()))
    array = random(4, 1, 8, 8).astype(np.float32)
    assert_close(ours(here(array)), theirs(torch.tensor(array)), 1e-5)


def test_a_shared_layer_is_listed_once_and_a_shared_parameter_is_one_object():
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, nn.Tanh(), layer).to(where())
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias"]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert len(model) == 3
    assert [name for name, _ in model.named_modules()] == ["", "0", "1"]
    assert [name for name, _ in model.named_children()] == ["0", "1"]


def test_what_is_set_belongs_and_what_is_deleted_does_not():
    model = class_of_its_own(nn).to(where())
    del model.scale
    model.classify.bias = None
    model.plain = here([1.0])  # a tensor is no parameter
    model.more = nn.Linear(2, 2)
    assert list(model.state_dict()) == ["features.0.weight", "features.0.bias", "classify.weight",
                                        "more.weight", "more.bias"]


@pytest.mark.parametrize("name", ["training", "forward", "name"])
def test_a_layer_cannot_have_the_name_of_what_each_module_has(name):
    with pytest.raises(KeyError, match=f"no layer can be called '{name}'"):
        nn.Sequential({"first": nn.ReLU(), name: nn.ReLU()})


def test_a_state_dict_shares_memory_and_wants_no_gradient():
    model = nn.Linear(2, 2).to(where())
    value = model.state_dict()["weight"]
    assert not value.requires_grad
    value.zero_()
    assert not model.weight.data.any()


def test_zero_grad_forgets():
    model = deep(nn).to(where())
    model(here(random(1, 1, 8, 8)).float()).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.zero_grad(set_to_none=False)
    assert not any(parameter.grad.numpy().any() for parameter in model.parameters())
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("key", [0, -1, slice(1, None), slice(None, None, 2), slice(0, 0)])
@pytest.mark.parametrize("network", [sequential, named])
def test_indexing_and_slicing_a_sequential(network, key):
    ours, theirs = network(nn).to(where())[key], network(torch.nn)[key]
    assert type(ours).__name__ == type(theirs).__name__
    assert shapes(ours) == shapes(theirs)


@cpu_alone("nothing is computed")
def test_a_sequential_is_a_sequence():
    model = sequential(nn)
    assert len(model) == 5
    assert [type(layer).__name__ for layer in model] == ["Conv2d", "MaxPool2d", "Flatten",
                                                         "Linear", "ReLU"]
    assert model[:2][0] is model[0]  # the same layers, not copies
    with pytest.raises(IndexError):
        model[5]


# --- initial weights ---------------------------------------------------------------------


@cpu_alone("drawn on the host")
@pytest.mark.parametrize(("text", "fan_in"), [
    ("nn.Linear(400, 2000)", 400),
    ("nn.Conv2d(40, 2000, (5, 2))", 400),
    ("nn.Conv2d(40, 2000, 3, stride=2, padding=1, dilation=2)", 360),
])
def test_initial_weights_are_torchs_uniform_distribution(text, fan_in):
    tg.manual_seed(1)
    bound = fan_in ** -0.5
    torchs = dict(built(text, torch).named_parameters())
    for name, parameter in built(text).named_parameters():
        values = parameter.numpy().ravel()
        assert values.dtype == np.float32
        several = 5 / values.size ** 0.5  # five standard deviations of a mean, and more
        assert 0.99 * bound < np.abs(values).max() <= bound
        assert abs(values.mean()) < several * bound
        assert abs(values.var() / (bound ** 2 / 3) - 1) < several
        quantiles = np.linspace(0.1, 0.9, 9)
        for sample in (values, torchs[name].detach().numpy().ravel()):
            np.testing.assert_allclose(np.quantile(sample, quantiles), bound * (2 * quantiles - 1),
                                       atol=several * bound)


@cpu_alone("drawn on the host")
def test_the_same_seed_gives_the_same_weights():
    def drawn(seed):
        tg.manual_seed(seed)
        return np.concatenate([value.ravel() for value in contents(deep(nn)).values()])

    np.testing.assert_array_equal(drawn(3), drawn(3))
    assert (drawn(3) != drawn(4)).all()


# --- how they are printed ----------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS + LOSSES)
def test_a_layer_is_printed_as_torch_prints_it(text):
    theirs = str(built(text, torch))
    for not_ours in (", dilation=1, ceil_mode=False", ", inplace=False"):
        theirs = theirs.replace(not_ours, "")
    assert str(built(text)) == theirs


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_is_printed_as_torch_prints_it(network):
    theirs = str(network(torch.nn)).replace(", dilation=1, ceil_mode=False", "")
    assert str(network(nn).to(where())) == theirs


# --- modes, dtypes -----------------------------------------------------------------------


def test_train_and_eval_reach_every_layer():
    model = nn.Sequential(nn.Sequential(nn.Dropout(0.5)), class_of_its_own(nn))
    model[1].deep = nn.Sequential(nn.Dropout(0.9))
    model.to(where())
    assert all(module.training for module in model.modules())
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    x = here(np.ones((50, 2), np.float32))
    np.testing.assert_array_equal(model[0](x).numpy(), x.numpy())
    assert model.train() is model
    assert all(module.training for module in model.modules())
    assert (model[0](x).numpy() == 0).any()


def test_changing_the_dtype_takes_gradients_along_and_keeps_the_parameters():
    model = deep(nn).to(where())
    x = here(random(2, 1, 8, 8))
    model(x.float()).sum().backward()
    before, parameters = contents(model), list(model.parameters())
    gradients = [parameter.grad.numpy() for parameter in parameters]
    for convert, dtype in ((model.double, "float64"), (model.float, "float32"),
                           (lambda: model.to(tg.float64), "float64"),
                           (lambda: model.to(where(), np.float32), "float32")):
        assert convert() is model
        assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
        for parameter, gradient in zip(parameters, gradients, strict=True):
            assert parameter.dtype == parameter.grad.dtype == dtype
            assert parameter.requires_grad
            np.testing.assert_array_equal(parameter.grad.numpy(), gradient)
        for key, value in contents(model).items():
            np.testing.assert_array_equal(value, before[key])
        model(x.to(np.dtype(dtype))).sum().backward()  # the gradients can be added to
        for parameter, gradient in zip(parameters, gradients, strict=True):
            np.testing.assert_allclose(parameter.grad.numpy(), 2 * gradient, rtol=1e-4, atol=1e-5)
            parameter.grad = here(gradient.astype(dtype))


@cpu_alone("nothing is computed")
def test_a_network_of_integers_is_refused_as_in_torch():
    for model, integers in ((torch.nn.Linear(2, 2), torch.int64), (nn.Linear(2, 2), tg.int64)):
        with pytest.raises(TypeError, match="float"):
            model.to(integers)


def test_a_float64_network_stays_float64_through_a_step():
    model = nn.Sequential(sequential(nn), nn.Dropout(0.5), nn.Linear(5, 3)).double().to(where())
    optimizers = optim.SGD(model.parameters(), 0.1, 0.9, weight_decay=0.1), \
        optim.Adam(model.parameters(), weight_decay=0.1)
    for optimizer in optimizers:
        loss = nn.CrossEntropyLoss(label_smoothing=0.1)(model(here(random(4, 1, 8, 8))),
                                                        here([0, 1, 2, 0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert loss.dtype == np.float64
        for parameter in model.parameters():
            assert parameter.dtype == parameter.grad.dtype == np.float64


# --- load_state_dict ---------------------------------------------------------------------


@pytest.mark.parametrize("convert", [
    lambda array: array,
    lambda array: array.tolist(),
    lambda array: here(array),
    lambda array: here(array).data,
    lambda array: nn.Parameter(array),
    lambda array: torch.tensor(array),
    lambda array: torch.nn.Parameter(torch.tensor(array)),
    lambda array: array.astype(np.float64),
    lambda array: torch.tensor(array).double(),
    lambda array: np.asfortranarray(array),
    lambda array: torch.tensor(np.repeat(array, 2, axis=0))[::2],
], ids=["array", "list", "Tensor", "its array", "Parameter", "torch", "torch parameter", "float64",
        "torch float64", "Fortran order", "torch strided"])
def test_what_values_may_be(convert):
    model = nn.Linear(3, 2).to(where())
    parameters, target = list(model.parameters()), contents(nn.Linear(3, 2))
    model.load_state_dict({key: convert(value) for key, value in target.items()})
    for key, value in contents(model).items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, target[key])
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))


def test_values_are_copied():
    model, other = nn.Linear(3, 2).to(where()), nn.Linear(3, 2).to(where())
    model.load_state_dict(other.state_dict())
    other.weight.data[...] = 0
    assert model.weight.data.all()


SOUND = {"0.weight": np.zeros((4, 6)), "0.bias": np.zeros(4),
         "2.weight": np.zeros((5, 4)), "2.bias": np.zeros(5)}
"""What fits into Sequential(Linear(6, 4), ReLU(), Linear(4, 5)). Each mistake below is one
change of it; None takes the key away."""

MISTAKES = [
    ({"2.bias": None}, KeyError, ["missing key '2.bias'"]),
    ({"more": np.zeros(3)}, KeyError, ["unknown key 'more'"]),
    ({"2.weight": None, "2.wieght": np.zeros((5, 4)), "x": 0}, KeyError,
     ["unknown key '2.wieght', perhaps meant as '2.weight'", "unknown key 'x'",
      "missing key '2.weight'"]),
    ({"0.weight": np.zeros((6, 4)), "2.bias": np.zeros((5, 1))}, ValueError,
     ["0.weight is (6, 4), but the model's is (4, 6)", "2.bias is (5, 1)", "(5,)"]),
    ({"2.bias": np.zeros(())}, ValueError, ["2.bias is ()"]),
    ({"2.bias": np.array(list("abcde"))}, Exception, []),
]


@pytest.mark.parametrize(("changes", "error", "told"), MISTAKES)
def test_a_state_dict_that_does_not_fit_changes_nothing(changes, error, told):
    model = built("nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 5))")
    before = contents(model)
    wrong = {key: value for key, value in (SOUND | changes).items() if value is not None}
    with pytest.raises(error) as caught:
        model.load_state_dict(wrong)
    for words in told:
        assert words in caught.value.args[0]
    for key, value in contents(model).items():
        assert value.tobytes() == before[key].tobytes(), key
    model.load_state_dict(SOUND)
    assert not any(value.any() for value in contents(model).values())


def test_not_strict_takes_what_fits():
    model = nn.Linear(3, 2).to(where())
    before = contents(model)
    model.load_state_dict({"bias": np.ones(2), "more": np.ones(2)}, strict=False)
    np.testing.assert_array_equal(model.bias.numpy(), [1, 1])
    np.testing.assert_array_equal(model.weight.numpy(), before["weight"])
    with pytest.raises(ValueError, match="bias"):
        model.load_state_dict({"bias": np.ones(3)}, strict=False)


# --- mistakes ----------------------------------------------------------------------------

CONSTRUCTOR_MISTAKES = [
    ("nn.Linear(0, 3)", ValueError, "in_features must be an integer >= 1, not 0"),
    ("nn.Linear(3, 2.0)", ValueError, "out_features must be an integer >= 1, not 2.0"),
    ("nn.Conv2d(-1, 3, 3)", ValueError, "in_channels"),
    ("nn.Conv2d(1, '3', 3)", ValueError, "out_channels"),
    ("nn.Conv2d(1, 3, 0)", ValueError, "kernel_size must be an integer >= 1"),
    ("nn.Conv2d(1, 3, (3, 3, 3))", ValueError, "kernel_size"),
    ("nn.Conv2d(1, 3, 3, stride=0)", ValueError, "stride"),
    ("nn.Conv2d(1, 3, 3, padding=-1)", ValueError, "padding must be an integer >= 0"),
    ("nn.Conv2d(1, 3, 3, padding='same')", ValueError, "padding"),
    ("nn.Conv2d(1, 3, 3, dilation=0)", ValueError, "dilation"),
    ("nn.MaxPool2d(0)", ValueError, "kernel_size"),
    ("nn.MaxPool2d(2, 0)", ValueError, "stride"),
    ("nn.AvgPool2d(2, padding=-1)", ValueError, "padding"),
    ("nn.AvgPool2d(2.5)", ValueError, "kernel_size"),
    ("nn.Dropout(1.5)", ValueError, "probability"),
    ("nn.Dropout(-0.1)", ValueError, "probability"),
    ("nn.Dropout(float('nan'))", ValueError, "probability"),
    ("nn.Sequential(nn.Linear(2, 2), nn.ReLU)", TypeError, "layer 1 must be a Module .*parenthes"),
    ("nn.Sequential([nn.Linear(2, 2)])", TypeError, "layer 0 must be a Module"),
    ("nn.Sequential(None)", TypeError, "layer 0 must be a Module"),
    ("nn.Sequential(OrderedDict(act=nn.ReLU))", TypeError, "layer act must be a Module"),
]


@cpu_alone("nothing is computed")
@pytest.mark.parametrize(("text", "error", "message"), CONSTRUCTOR_MISTAKES)
def test_a_layer_that_cannot_be_is_refused_when_it_is_made(text, error, message):
    with pytest.raises(error, match=message):
        built(text)


INPUT_MISTAKES = [
    ("nn.Conv2d(3, 4, 3)", (1, 1, 8, 8), "conv2d: input has 1 channels"),
    ("nn.Conv2d(3, 4, 3)", (3, 8, 8), r"conv2d: pictures must be \(N, C, H, W\)"),
    ("nn.Conv2d(3, 4, 9)", (1, 3, 8, 8), r"conv2d: a kernel of \(9, 9\) .*does not fit"),
    ("nn.Linear(6, 4)", (5, 7), r"linear: .*\(5, 7\)"),
    ("nn.MaxPool2d(2, padding=2)", PICTURES, "max_pool2d: padding .*at most half"),
    ("nn.AvgPool2d(2)", ROWS, "avg_pool2d: pictures must be"),
]


@pytest.mark.parametrize(("text", "shape", "message"), INPUT_MISTAKES)
def test_an_input_that_does_not_fit_names_the_operation(text, shape, message):
    with pytest.raises(ValueError, match=message):
        built(text)(here(random(*shape)).float())


def test_a_float64_input_to_a_float32_layer_says_what_does_not_mix():
    with pytest.raises(TypeError, match="linear: float32 and float64 do not mix"):
        nn.Linear(6, 4).to(where())(here(random(*ROWS)))


@cpu_alone("nothing is computed")
def test_a_module_without_forward_says_so():
    class Unfinished(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Unfinished has no forward"):
        Unfinished()(1)


def test_a_model_is_moved_by_name_as_a_tensor_is():
    model = nn.Linear(2, 1).to(device=where(), dtype=np.float64)
    assert (model.weight.device, model.weight.dtype) == (where(), "float64")
