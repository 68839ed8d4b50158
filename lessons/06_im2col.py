"""im2col: a convolution is one matrix product, and that is why it is fast. (4 s)
im2col:卷积就是一次矩阵乘法,所以才快。(4 秒)
"""

# %% Every patch becomes a column | 每一小块变成一列
import timeit

import numpy as np
from stage import ORANGE, ask, check, matrix, new_figure, remember, say, show, words

from tinygrad_mnist import datasets, functional, tensor
from tinygrad_mnist.functional.convolution import col2im, im2col
from tinygrad_mnist.functional.windows import slide

picture = np.arange(12.0).reshape(3, 4)
ask("A 2x2 window stops at six places of a 3x4 picture and sees four numbers at each. How would "
    "you keep them in one matrix?",
    zh="2x2 的窗口在 3x4 的图片上停六处,每处看到四个数。怎样放进一个矩阵?")
print(picture.astype(int))
window = slide((1, 1, 3, 4), kernel=2, stride=1, padding=0)
patches = window.patches(window.framed(picture[None, None], 0))
columns = im2col(patches)
for i, j in np.ndindex(window.places):
    print(f"({i}, {j}):", *picture[i:i + 2, j:j + 2].astype(int).flat)
print(columns.astype(int))
assert columns[:, 0].tolist() == [0, 1, 4, 5], "the first column is what the first window sees"
remember("im2col: each patch of the picture becomes a column of a matrix.",
         zh="im2col:图片的每一小块变成矩阵的一列。")

# %% Every kernel is a row | 每个卷积核是一行
ask("Two kernels look at the six patches. How many numbers come out?",
    zh="两个卷积核看这六小块,结果有几个数?")
kernels = np.array([[0, 1, 2, 3], [1, 1, 1, 1]], float)
output = kernels @ columns
print(f"{kernels.shape} @ {columns.shape} -> {output.shape}")
print(" + ".join(f"{k:.0f}*{p:.0f}" for k, p in zip(kernels[0], columns[:, 0], strict=True)), "=",
      f"{output[0, 0]:.0f}")
conv = functional.conv2d(tensor(picture[None, None]), tensor(kernels.reshape(2, 1, 2, 2)))
assert np.array_equal(conv.numpy().reshape(2, 6), output), "one product is the whole convolution"
figure = new_figure(15, 4.5)
for axes, values, title, right, bottom in zip(
        figure.subplots(1, 3, width_ratios=[4, 6, 6]), (kernels, columns, output),
        (words("a row, a kernel", zh="一行是一个卷积核"),
         words("a column, a patch", zh="一列是一小块"),
         words("result", zh="结果")), (3.5, 0.5, 0.5), (0.5, 3.5, 0.5), strict=True):
    matrix(axes, values, title)
    axes.plot([-0.5, right, right, -0.5, -0.5], [-0.5, -0.5, bottom, bottom, -0.5],
              color=ORANGE, linewidth=6, clip_on=False)
figure.get_layout_engine().set(wspace=0.1)
show(figure, "06_product")
remember("Kernels are rows, patches are columns: the convolution is one matrix product.",
         zh="卷积核是行,小块是列:卷积就是一次矩阵乘法。")

# %% What it costs | 代价
ask("The patches overlap. How many times as large as the picture is the matrix of a 3x3 kernel?",
    zh="小块互相重叠。3x3 的卷积核,列矩阵是图片的几倍大?")
digit = datasets.MNIST(train=False).images[:1, None] / 255
wide = slide(digit.shape, kernel=3, stride=1, padding=1)
framed = wide.framed(digit, 0)
seen = wide.patches(framed)
large = im2col(seen)
print(f"{digit.shape} -> {large.shape}: {large.size} / {digit.size} =", large.size // digit.size)
assert large.size == 9 * digit.size, "the nine cells see every pixel once each"
assert np.shares_memory(seen, framed), "the patches are a view: only im2col copies"
remember("im2col pays with memory for speed. So the engine writes a few rows at a time.",
         zh="im2col 用内存换速度,所以引擎每次只写出几行。")

# %% What it gains | 收获
def with_loops(picture, kernels):
    result = np.zeros((16, 26, 26))
    for o, i, j, a, b in np.ndindex(16, 26, 26, 3, 3):
        result[o, i, j] += kernels[o, a, b] * picture[i + a, j + b]
    return result


def with_product(picture, kernels):
    window = slide((1, 1, 28, 28), kernel=3, stride=1, padding=0)
    columns = im2col(window.patches(window.framed(picture[None, None], 0)))
    return (kernels.reshape(16, 9) @ columns).reshape(16, 26, 26)


sixteen = np.random.default_rng(0).normal(size=(16, 3, 3))
ask(f"16 kernels, one digit, five loops: {16 * 26 * 26 * 9:,} multiplications. How many times as "
    "fast is the product?",
    zh=f"16 个卷积核,一张图片,五层循环:{16 * 26 * 26 * 9:,} 次乘法。矩阵乘法快多少倍?")
two = digit[0, 0], sixteen
assert np.allclose(with_loops(*two), with_product(*two)), "both compute the same numbers"
ratio = (min(timeit.repeat(lambda: with_loops(*two), number=1, repeat=3))
         / min(timeit.repeat(lambda: with_product(*two), number=1, repeat=99)))
rounded = 10 ** int(np.log10(ratio))
say(f"More than {rounded:,} times.", zh=f"超过 {rounded:,} 倍。")
assert ratio > 10, "a processor loves long rows, and Python's loops are slow"
remember("Say it as one matrix product, and let the machine do what it does best.",
         zh="把问题写成一次矩阵乘法,让机器做它最拿手的事。")

# %% The way back adds | 回程要相加
ask("On the way back each patch brings a 1 to each of its pixels. What arrives at the middle ones?",
    zh="往回走时,每一小块给自己的每个像素送一个 1。中间的两个像素收到多少?")
total = np.zeros((1, 3, 4, 1))
col2im(np.ones_like(columns), window.patches(total))
print(total[0, :, :, 0].astype(int))
asked = tensor(picture[None, None], requires_grad=True)
functional.conv2d(asked, tensor(np.ones((1, 1, 2, 2)))).sum().backward()
assert total[0, 1, 1:3, 0].tolist() == [4, 4], "each of them was part of four patches"
assert np.array_equal(asked.grad.numpy()[0, 0], total[0, :, :, 0]), "so does the engine"
remember("A pixel in four patches has four gradients: col2im adds them up.",
         zh="一个像素属于四个小块,就有四份梯度:col2im 把它们相加。")

# %% Exercises | 练习
say("1. 64 pictures of 28x28, 3x3 kernels, no padding. How many rows and columns has the matrix "
    "of patches?", zh="1. 64 张 28x28 的图片,3x3 的卷积核,不填充。小块的矩阵有几行几列?")
# check("6.1", [0, 0])
say("2. A 3x3 kernel on a 5x5 picture. In how many patches is a corner, in how many the middle?",
    zh="2. 3x3 的卷积核作用在 5x5 的图片上。角上的像素属于几个小块?正中的呢?")
# check("6.2", [0, 0])
assert check("6.2", [1, 3 * 3]), "the answers can be checked"
