"""Transforms: torch's numbers, bit for bit, in our layout; other pictures of the same digits.

What turns, moves and bends pictures is held against plain NumPy (roll, rot90, flips) and
against loops that read one pixel after another.
"""

import numpy as np
import pytest
import torch

from tinygrad_mnist import manual_seed
from tinygrad_mnist.backend import batch_last
from tinygrad_mnist.tensor import Tensor
from tinygrad_mnist.transforms import (
    Compose,
    ElasticTransform,
    Normalize,
    RandomAffine,
    RandomApply,
    RandomThickness,
    ToTensor,
    _sampled,
)


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


# --- RandomAffine ------------------------------------------------------------------------


@pytest.fixture
def pictures():
    """Six pictures of noise, dark at the border, as ToTensor gives them."""
    images = random_bytes(6, 28, 28)
    images[:, [0, -1]], images[:, :, [0, -1]] = 0, 0
    return ToTensor()(images)


def rolled(pictures, down, right):
    """Moved by whole pixels, with zeros coming in."""
    result = np.roll(pictures, (down, right), (2, 3))
    result[:, :, :down] = 0
    result[:, :, :, :right] = 0
    return result


def test_turned_by_a_right_angle_is_rot90(pictures):
    turned = RandomAffine(degrees=(90, 90))(pictures).numpy()
    np.testing.assert_allclose(turned, np.rot90(pictures.numpy(), 1, (2, 3)), atol=1e-5)


@pytest.mark.parametrize("pixels", [0, 1, 5, 27])
def test_moved_by_whole_pixels_is_rolled_bit_for_bit(pictures, pixels):
    moved = RandomAffine(translate=(pixels, pixels))(pictures).numpy()
    np.testing.assert_array_equal(moved, rolled(pictures.numpy(), pixels, pixels))


def test_half_a_pixel_is_the_mean_of_two(pictures):
    moved = RandomAffine(translate=(0.5, 0.5))(pictures).numpy()
    whole = pictures.numpy()
    means = (whole + rolled(whole, 1, 0) + rolled(whole, 0, 1) + rolled(whole, 1, 1)) / 4
    np.testing.assert_allclose(moved, means, atol=1e-6)


def test_twice_the_size_is_every_pixel_twice():
    """A square of 2 x 2 pixels in the middle fills 4 x 4, fading over its border."""
    square = np.zeros((1, 8, 8), np.float32)
    square[:, 3:5, 3:5] = 1
    larger = RandomAffine(scale=(2, 2))(ToTensor()(square)).numpy()[0, 0]
    edge = np.array([0, 0.25, 0.75, 1, 1, 0.75, 0.25, 0])
    np.testing.assert_allclose(larger, np.outer(edge, edge), atol=1e-6)


def test_shear_leans_uprights_to_the_right():
    upright = np.zeros((1, 9, 9), np.float32)
    upright[:, :, 4] = 1
    leaning = RandomAffine(shear=(45, 45))(ToTensor()(upright)).numpy()[0, 0]
    np.testing.assert_allclose(leaning, np.fliplr(np.eye(9)), atol=1e-6)


def test_rows_and_columns_need_not_be_as_many():
    picture = random_bytes(2, 6, 10)
    turned = RandomAffine(degrees=(180, 180))(ToTensor()(picture)).numpy()
    np.testing.assert_allclose(turned, ToTensor()(picture[:, ::-1, ::-1]).numpy(), atol=1e-5)


def test_each_picture_goes_its_own_way(pictures):
    one = np.repeat(pictures.numpy()[:1], 50, axis=0)
    moved = RandomAffine(degrees=20)(Tensor(one)).numpy()
    assert len(np.unique(moved.reshape(50, -1), axis=0)) == 50


def read_between(picture, y, x):
    """A picture (H, W) at one place between its pixels, said in full."""
    def pixel(row, column):
        inside = 0 <= row < picture.shape[0] and 0 <= column < picture.shape[1]
        return picture[row, column] if inside else 0.0

    row, column = int(np.floor(y)), int(np.floor(x))
    return sum(pixel(row + down, column + right)
               * (1 - abs(y - row - down)) * (1 - abs(x - column - right))
               for down in (0, 1) for right in (0, 1))


def test_reading_between_pixels_equals_a_loop():
    draw = np.random.default_rng(0)
    pictures = draw.random((2, 5, 6, 3), np.float32)  # (C, H, W, N)
    y, x = draw.uniform(-4, 9, (2, 5, 6, 3)).astype(np.float32)
    result = _sampled(pictures, y.copy(), x.copy())
    for place in np.ndindex(2, 5, 6, 3):
        expected = read_between(pictures[place[0], ..., place[3]], y[place[1:]], x[place[1:]])
        assert result[place] == pytest.approx(expected, abs=1e-5)


# --- ElasticTransform --------------------------------------------------------------------


def shifts(transform, size=28, count=200):
    """By how much the transform moves each pixel: (2, size, size, N), read from two ramps."""
    ramp = np.tile(np.arange(size, dtype=np.float32) + 1000, (count, size, 1))
    both = np.stack([ramp.transpose(0, 2, 1), ramp], axis=1)  # a channel for each direction
    moved = transform(Tensor(both)).numpy()
    return (moved - both)[:, :, 8:-8, 8:-8]  # away from the border


def test_alpha_is_how_far_pixels_go():
    manual_seed(0)
    far = shifts(ElasticTransform(alpha=1.5, sigma=4), count=2000)
    assert far.std() == pytest.approx(1.5, rel=0.05)
    assert far.mean() == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("sigma", [2.0, 3.0, 6.0])
def test_sigma_is_how_far_neighbours_go_together(sigma):
    """The bell of Simard's smoothing: so far apart, noise smoothed by it agrees to this degree.

    Two bells exp(-(d/sigma)^2), a way d apart, overlap by exp(-d^2 / 2 sigma^2).
    """
    manual_seed(0)
    far, apart = shifts(ElasticTransform(1.0, sigma), count=2000), 3
    agreement = (far[..., apart:] * far[..., :-apart]).mean() / (far ** 2).mean()
    assert agreement == pytest.approx(np.exp(-apart ** 2 / (2 * sigma ** 2)), abs=0.06)


# --- RandomThickness ---------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "best"), [(1, np.max), (-1, np.min)])
def test_the_extremes_equal_a_loop_over_neighbourhoods(pictures, amount, best):
    result, before = RandomThickness((amount, amount))(pictures).numpy(), pictures.numpy()
    for n, row, column in np.ndindex(6, 28, 28):
        near = before[n, 0, max(0, row - 1):row + 2, max(0, column - 1):column + 2]
        assert result[n, 0, row, column] == pytest.approx(best(near), abs=1e-6)


def test_half_way_is_the_mean_of_before_and_after(pictures):
    half = RandomThickness((0.5, 0.5))(pictures).numpy()
    whole = RandomThickness((1, 1))(pictures).numpy()
    np.testing.assert_allclose(half, (pictures.numpy() + whole) / 2, atol=1e-6)


# --- for some pictures only --------------------------------------------------------------


def test_some_pictures_are_changed_and_the_others_stay(pictures):
    def brighter(some):
        return some + 1

    manual_seed(0)
    many = Tensor(np.concatenate([pictures.numpy()] * 50))
    after = RandomApply([brighter, brighter], p=0.3)(many)
    changed = (after.numpy() != many.numpy()).reshape(len(many), -1)
    assert changed.all(axis=1).mean() == pytest.approx(0.3, abs=0.1)
    assert (changed.all(axis=1) == changed.any(axis=1)).all()
    np.testing.assert_allclose(after.numpy() - many.numpy(), 2.0 * changed.reshape(many.shape),
                               atol=1e-6)


@pytest.mark.parametrize("p", [0, 1])
def test_none_or_all_are_changed(pictures, p):
    after = RandomApply([lambda some: some + 1], p)(pictures)
    np.testing.assert_allclose(after.numpy(), pictures.numpy() + p)


# --- what all of them promise ------------------------------------------------------------


RANDOM = [RandomAffine(10, 2, 0.1, 10), ElasticTransform(), RandomThickness(),
          RandomApply([RandomThickness(), ElasticTransform(2.0)])]
NOTHING = [RandomAffine(), ElasticTransform(alpha=0), RandomThickness(0),
           RandomApply([ElasticTransform()], p=0), RandomApply([], p=1)]


@pytest.mark.parametrize("transform", NOTHING, ids=repr)
def test_nothing_asked_changes_nothing(pictures, transform):
    assert transform(pictures).numpy().tobytes() == pictures.numpy().tobytes()


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
def test_the_seed_decides(pictures, transform):
    def drawn(seed):
        manual_seed(seed)
        return [transform(pictures).numpy().tobytes() for _ in range(2)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert len(set(drawn(1))) == 2  # new pictures at every call


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transform", RANDOM, ids=repr)
def test_shape_dtype_and_layout_stay(transform, dtype):
    before = Tensor(np.random.default_rng(0).random((5, 3, 12, 9)).astype(dtype))
    values = before.numpy().copy()
    after = transform(before)
    assert (after.shape, after.dtype) == (before.shape, dtype)
    assert batch_last(after.data).flags.c_contiguous
    np.testing.assert_array_equal(before.numpy(), values)


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
def test_no_picture_sees_another(transform):
    """All black but one: that one's ink goes nowhere else."""
    images = np.zeros((7, 28, 28), np.uint8)
    images[3, 8:20, 8:20] = 255
    after = transform(ToTensor()(images)).numpy()
    assert after[3].any()
    assert not after[[0, 1, 2, 4, 5, 6]].any()


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
def test_ink_stays_between_paper_and_full(pictures, transform):
    after = transform(pictures).numpy()
    assert after.min() >= 0
    assert after.max() <= 1 + 1e-6


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
@pytest.mark.parametrize("count", [0, 1])
def test_few_pictures_or_none(transform, count):
    assert transform(ToTensor()(random_bytes(count, 28, 28))).shape == (count, 1, 28, 28)


def test_they_say_what_they_do():
    assert [repr(each) for each in RANDOM] == [
        "RandomAffine(degrees=(-10.0, 10.0), translate=(-2.0, 2.0), scale=(0.9, 1.1), "
        "shear=(-10.0, 10.0))",
        "ElasticTransform(alpha=1.0, sigma=4.0)",
        "RandomThickness(amount=(-0.5, 0.5))",
        "RandomApply([RandomThickness(amount=(-0.5, 0.5)), "
        "ElasticTransform(alpha=2.0, sigma=4.0)], p=0.5)"]


@pytest.mark.parametrize(("make", "reason"), [
    (lambda: RandomAffine(degrees=(10, -10)), r"degrees must be .*\(lowest, highest\), not \(10"),
    (lambda: RandomAffine(translate=float("nan")), "translate must be a number or a range"),
    (lambda: RandomAffine(translate=(1, 2, 3)), "translate must be a number or a range"),
    (lambda: RandomAffine(scale=1), "scale must be above 0"),
    (lambda: RandomAffine(shear=90), "shear must be between -90 and 90"),
    (lambda: ElasticTransform(alpha=-1), "alpha must be .* from 0 on, not -1"),
    (lambda: ElasticTransform(sigma=0), "sigma must be .* from 1 on, not 0"),
    (lambda: RandomThickness(1.5), "amount must be between -1 and 1"),
    (lambda: RandomApply([], p=1.5), "p is a probability, from 0 to 1, not 1.5"),
])
def test_senseless_ranges_are_refused(make, reason):
    with pytest.raises(ValueError, match=reason):
        make()


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
def test_they_come_after_to_tensor(transform):
    name = type(transform).__name__
    with pytest.raises(TypeError, match=rf"{name} takes a Tensor of floats.*put ToTensor\(\)"):
        transform(np.zeros((1, 28, 28), np.uint8))
    with pytest.raises(ValueError, match=r"takes a batch of pictures, \(N, C, H, W\), not"):
        transform(Tensor(np.zeros((28, 28), np.float32)))
