"""Transforms: torch's numbers, bit for bit, in our layout."""

import numpy as np
import pytest
import torch

from tinygrad_mnist.backend import batch_last
from tinygrad_mnist.tensor import Tensor
from tinygrad_mnist.transforms import Compose, Normalize, ToTensor


def random_bytes(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def same_bits(ours, theirs):
    ours, theirs = np.ascontiguousarray(ours.numpy()), theirs.contiguous().numpy()
    return (ours.dtype == theirs.dtype and ours.shape == theirs.shape
            and ours.tobytes() == theirs.tobytes())


def scaled_by_torch(pictures):
    """What torchvision's ToTensor does with a grey picture, for a batch."""
    return torch.from_numpy(pictures)[:, None].float().div(255)


# --- ToTensor ----------------------------------------------------------------------------


def test_every_byte_becomes_the_number_that_torch_makes_of_it():
    pictures = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    assert same_bits(ToTensor()(pictures), scaled_by_torch(pictures))


@pytest.mark.parametrize("shape", [(64, 28, 28), (1, 28, 28), (3, 5, 7), (0, 28, 28)])
def test_grey_pictures_get_a_channel(shape):
    pictures = random_bytes(*shape)
    assert same_bits(ToTensor()(pictures), scaled_by_torch(pictures))


def test_channels_come_before_rows():
    pictures = random_bytes(4, 5, 6, 3)
    theirs = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(255)
    assert same_bits(ToTensor()(pictures), theirs)


def test_a_single_grey_picture_gets_a_channel():
    picture = random_bytes(28, 28)
    assert same_bits(ToTensor()(picture), torch.from_numpy(picture)[None].float().div(255))


def test_pictures_that_do_not_lie_in_one_piece_are_the_same():
    pictures = random_bytes(8, 28, 28)[::2, :, ::-1]
    assert same_bits(ToTensor()(pictures), scaled_by_torch(pictures.copy()))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_become_float32_and_are_not_scaled(dtype):
    pictures = np.array([[[-1.5, 0.1], [255.0, np.nan]]], dtype)
    tensor = ToTensor()(pictures)
    assert tensor.shape == (1, 1, 2, 2)
    assert tensor.dtype == np.float32
    assert np.array_equal(tensor.numpy()[:, 0], pictures.astype(np.float32), equal_nan=True)


def test_the_result_is_a_copy_even_of_float32():
    pictures = np.zeros((2, 3, 3), np.float32)
    ToTensor()(pictures).data[...] = 1
    assert not pictures.any()


@pytest.mark.parametrize("pictures", [random_bytes(5, 3, 4), random_bytes(5, 3, 4, 2),
                                      np.ones((5, 3, 4), np.float32)])
def test_the_batch_lies_last_in_memory(pictures):
    assert batch_last(ToTensor()(pictures).data).flags.c_contiguous


@pytest.mark.parametrize("shape", [(), (28,), (1, 2, 3, 4, 5)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"takes pictures of shape \(N, H, W\), .* not \("):
        ToTensor()(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(("pictures", "named"), [
    (np.zeros((1, 2, 2), np.int64), "an array of int64"),
    (np.zeros((1, 2, 2), bool), "an array of bool"),
    (Tensor(np.zeros((1, 2, 2), np.float32)), "a Tensor of float32"),
    ([[0, 1]], "list"),
])
def test_other_things_are_refused(pictures, named):
    with pytest.raises(TypeError, match=f"takes an array of bytes .* not {named}$"):
        ToTensor()(pictures)


# --- Normalize ---------------------------------------------------------------------------


def normalized_by_torch(pictures, mean, std):
    """What torchvision does, in torch's arithmetic."""
    per_channel = [torch.tensor(numbers, dtype=torch.float32)[:, None, None]
                   for numbers in (mean, std)]
    return torch.from_numpy(pictures).sub(per_channel[0]).div(per_channel[1])


@pytest.mark.parametrize("shape", [(6, 3, 5, 4), (3, 5, 4)])
def test_each_channel_is_normalized_as_torch_does(shape):
    pictures = np.random.default_rng(0).random(shape, np.float32)
    mean, std = [0.485, 0.456, 0.406], (0.229, 0.224, 0.225)
    assert same_bits(Normalize(mean, std)(Tensor(pictures)),
                     normalized_by_torch(pictures, mean, std))


@pytest.mark.parametrize(("mean", "std"), [(0.1307, 0.3081), ((0.1307,), [0.3081])])
def test_one_number_serves_all_channels(mean, std):
    pictures = np.random.default_rng(0).random((2, 3, 4, 4), np.float32)
    assert same_bits(Normalize(mean, std)(Tensor(pictures)),
                     normalized_by_torch(pictures, [0.1307], [0.3081]))


def test_normalize_keeps_the_batch_last_and_its_input_as_it_was():
    before = ToTensor()(random_bytes(5, 4, 4))
    values = before.numpy().copy()
    after = Normalize(0.5, 0.5)(before)
    assert batch_last(after.data).flags.c_contiguous
    assert np.array_equal(before.numpy(), values)


def test_normalize_keeps_float64():
    assert Normalize(0.5, 0.5)(Tensor(np.zeros((1, 1, 2, 2)))).dtype == np.float64


def test_gradients_pass_normalize():
    pictures = Tensor(np.ones((1, 2, 1, 1), np.float32), requires_grad=True)
    Normalize(0.0, [0.5, 0.25])(pictures).sum().backward()
    assert pictures.grad.numpy().ravel().tolist() == [2, 4]


def test_a_deviation_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"std must not be zero.*\(1.0, 0.0\)"):
        Normalize([0, 0], [1, 0])


@pytest.mark.parametrize(("mean", "std", "reason"), [
    ([0.0, 0.0], 1.0, r"mean has 2 numbers, but the pictures have 3 channel"),
    (0.0, [1.0, 1.0], r"std has 2 numbers, but the pictures have 3 channel"),
    ([], 1.0, r"mean has 0 numbers"),
])
def test_channels_must_fit(mean, std, reason):
    with pytest.raises(ValueError, match=reason):
        Normalize(mean, std)(Tensor(np.zeros((1, 3, 2, 2), np.float32)))


@pytest.mark.parametrize("pictures", [
    np.zeros((1, 1, 2, 2), np.float32), Tensor(np.zeros((1, 1, 2, 2), np.uint8)), [0.0]])
def test_normalize_comes_after_to_tensor(pictures):
    with pytest.raises(TypeError, match=r"Normalize takes a Tensor of floats.*put ToTensor\(\)"):
        Normalize(0.5, 0.5)(pictures)


def test_normalize_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"\(N, C, H, W\) or \(C, H, W\), not \(4, 4\)"):
        Normalize(0.5, 0.5)(Tensor(np.zeros((4, 4), np.float32)))


# --- Compose -----------------------------------------------------------------------------


def test_the_first_transform_comes_first():
    assert Compose([lambda x: x + 1, lambda x: x * 10])(2) == 30
    assert Compose([])(2) == 2


def test_composed_transforms_equal_torch():
    pictures = random_bytes(4, 28, 28)
    ours = Compose([ToTensor(), Normalize((0.1307,), (0.3081,))])(pictures)
    theirs = scaled_by_torch(pictures).sub(0.1307).div(0.3081)
    assert torch.allclose(torch.from_numpy(ours.numpy()), theirs, rtol=1e-6, atol=1e-6)


def test_they_print_like_torchvisions():
    assert repr(Compose([ToTensor(), Normalize((0.1307,), (0.3081,))])) == (
        "Compose(\n    ToTensor()\n    Normalize(mean=(0.1307,), std=(0.3081,))\n)")


@pytest.mark.parametrize("transforms", [ToTensor(), None])
def test_compose_takes_a_list(transforms):
    with pytest.raises(TypeError, match="Compose takes a list of transforms, not"):
        Compose(transforms)


def test_compose_refuses_what_cannot_be_called():
    with pytest.raises(TypeError, match="a transform is a function of a batch, and 255 is none"):
        Compose([ToTensor(), 255])
