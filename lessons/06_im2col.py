"""im2col: a convolution is one matrix product, and that is why it is fast. (1 s)
im2col:卷积就是一次矩阵乘法,所以才快。(1 秒)
"""

# %% Every patch becomes a column | 每一小块变成一列
import timeit

import numpy as np
from board import label, matrices, outline, show
from stage import ask, exercise, remember, say, terms

from tinygrad_mnist import datasets, functional, tensor
from tinygrad_mnist.functional.convolution import col2im, im2col
from tinygrad_mnist.functional.windows import slide

picture = np.arange(12.0).reshape(3, 4)
ask("A 2x2 window stops at six places of a 3x4 picture. How to keep what it sees in one matrix?",
    zh="2x2 的窗口在 3x4 的图片上停六处,每处看到四个数。怎样放进一个矩阵?")
print(picture.astype(int))
window = slide((1, 1, 3, 4), kernel=2, stride=1, padding=0)
columns = im2col(window.patches(window.framed(picture[None, None], 0)))
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
print(terms(kernels[0], columns[:, 0]), "=", f"{output[0, 0]:.0f}")
conv = functional.conv2d(tensor(picture[None, None]), tensor(kernels.reshape(2, 1, 2, 2)))
assert np.array_equal(conv.numpy().reshape(2, 6), output), "one product is the whole convolution"
left, middle, right = matrices([kernels, columns, output], label(
    "a row, a kernel / a column, a patch / sums", zh="一行一个核 / 一列一小块 / 和").split(" / "))
for axes, width, height in ((left, 4, 1), (middle, 1, 4), (right, 1, 1)):
    outline(axes, 0, 0, width, height)
show("06_product")
remember("Kernels are rows, patches are columns: the convolution is one matrix product.",
         zh="卷积核是行,小块是列:卷积就是一次矩阵乘法。")

# %% What it costs | 代价
ask("The patches overlap. How many times as large as the picture is the matrix of a 3x3 kernel?",
    zh="小块互相重叠。3x3 的卷积核,列矩阵是图片的几倍大?")
digit = datasets.MNIST(train=False).images[:1, None] / 255
wide = slide(digit.shape, kernel=3, stride=1, padding=1)
large = im2col(wide.patches(wide.framed(digit, 0)))
print(f"{digit.shape} -> {large.shape}: {large.size} / {digit.size} =", large.size // digit.size)
assert large.size == 9 * digit.size, "each of the nine rows is as long as the picture"
remember("im2col pays with memory for speed.", zh="im2col 用内存换速度。")

# %% What it gains | 收获
def with_loops():
    result = np.zeros((16, 26, 26))
    for o, i, j, a, b in np.ndindex(16, 26, 26, 3, 3):
        result[o, i, j] += sixteen[o, 0, a, b] * digit[0, 0, i + a, j + b]
    return result

ask("16 kernels, one digit: 97,344 multiplications. How many times as fast as five loops is the "
    "product?", zh="16 个卷积核,97,344 次乘法。比起五层循环,矩阵乘法快多少倍?")
sixteen = np.random.default_rng(0).normal(size=(16, 1, 3, 3))
pair = tensor(digit), tensor(sixteen)
assert np.allclose(with_loops(), functional.conv2d(*pair).numpy()), "both give the same numbers"
loops = min(timeit.repeat(with_loops, number=1, repeat=3))
product = min(timeit.repeat(lambda: functional.conv2d(*pair), number=1, repeat=99))
say("More than 100 times.", zh="超过 100 倍。")
assert loops > 100 * product, "a processor loves long rows, and Python's loops are slow"
remember("Say it as one matrix product, and let the machine do what it does best.",
         zh="把问题写成一次矩阵乘法,让机器做它最拿手的事。")

# %% The way back adds | 回程要相加
ask("On the way back each patch brings a 1 to each of its pixels. What do the middle ones get?",
    zh="往回走时,每一小块给自己的每个像素送一个 1。中间的两个像素收到多少?")
total = np.zeros((1, 3, 4, 1))
col2im(np.ones_like(columns), window, total)
print(total[0, :, :, 0].astype(int))
assert total[0, 1, 1:3, 0].tolist() == [4, 4], "each of them was part of four patches"
remember("A pixel in four patches has four gradients: col2im adds them up.",
         zh="一个像素属于四个小块,就有四份梯度:col2im 把它们相加。")

# %% Exercises | 练习
check = exercise("6.1", "64 pictures of 28x28, 3x3 kernels, no padding: how large is the matrix?",
                 zh="64 张 28x28 的图片,3x3 的卷积核,不填充。im2col 的矩阵有几行几列?")
# check([0, 0])
check = exercise("6.2", "3x3 kernel, 5x5 picture: in how many patches is a corner? The middle?",
                 zh="3x3 的卷积核作用在 5x5 的图片上。角上的像素属于几个小块?正中的呢?")
# check([0, 0])
