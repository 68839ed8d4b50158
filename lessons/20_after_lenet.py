"""After LeNet: AlexNet, VGG and GoogLeNet are the same layers, more of them, used better. (1 s)
LeNet 之后:AlexNet、VGG、GoogLeNet 还是同样的层,只是更多,用得更好。(1 秒)
"""

# %% LeNet, 1998 | LeNet,1998 年
from itertools import pairwise

import numpy as np
from board import bars, label, show
from stage import ask, exercise, remember, words

import tinygrad_mnist as tg

ask("Our lenet is LeNet-5 of 1998 as one builds it today. How many weights does it have?",
    zh="我们的 lenet 就是 1998 年的 LeNet-5,用今天的写法。它有多少个权重?")
convolutions = (6 * 1 * 25 + 6) + (16 * 6 * 25 + 16)
full = (120 * 400 + 120) + (84 * 120 + 84) + (10 * 84 + 10)
print(f"{convolutions:,} + {full:,} = {convolutions + full:,}")
assert convolutions + full == tg.models.count_parameters(tg.models.create("lenet")), "all of them"
remember("60,000 weights read cheques in banks. Nearly all of them are fully connected.",
         zh="六万个权重就能在银行里读支票。它们几乎都在全连接层里。")

# %% AlexNet, 2012 | AlexNet,2012 年
ask("Five convolutions, three fully connected layers, for 1,000 kinds of things. Where are most "
    "of the weights?", zh="五个卷积层,三个全连接层,要认 1,000 种东西。大部分权重在哪里?")
kernels = [(96, 11 * 11 * 3), (256, 5 * 5 * 48), (384, 9 * 256), (384, 9 * 192), (256, 9 * 192)]
layers = [(4096, 6 * 6 * 256), (4096, 4096), (1000, 4096)]
small, large = (sum(O * (inputs + 1) for O, inputs in part) for part in (kernels, layers))
print(f"{small:,} + {large:,} = {small + large:,}")
assert large > 20 * small, "as in LeNet, nearly all are fully connected"
remember("A thousand times LeNet: two graphics cards had come, and a million pictures.",
         zh="是 LeNet 的一千倍:因为有了两块显卡和一百万张图片。")

# %% VGG, 2014 | VGG,2014 年
def seen(sizes):  # which pixels has one place of the result seen, through kernels of these sizes?
    picture = tg.tensor(np.zeros((1, 1, 9, 9)), requires_grad=True)
    maps = picture
    for side in sizes:
        maps = tg.functional.conv2d(maps, tg.tensor(np.ones((1, 1, side, side))), padding=side // 2)
    maps[0, 0, 4, 4].backward()
    return int((picture.grad.numpy().max(axis=(0, 1, 2)) > 0).sum())

ask("Two kernels of 3x3 in a row: how large is the patch that they see together?",
    zh="两个 3x3 的卷积核接起来,一共看到多大的一块?")
print(f"3x3, 3x3: {seen([3, 3])}x{seen([3, 3])};  5x5: {seen([5])}x{seen([5])}")
print(f"2 * 3*3 = {2 * 9} < 5*5 = {25}")
assert seen([3, 3]) == seen([5]) == 5, "as much as one of 5x5, with fewer weights"
remember("Small kernels in a row: the same view, fewer weights, and room for a ReLU between.",
         zh="小卷积核接起来:看得一样大,权重更少,中间还能再加一个 ReLU。")

# %% GoogLeNet, 2014 | GoogLeNet,2014 年
ask("192 maps go into 32 kernels of 5x5. What does it save to make 16 maps of them first, with "
    "kernels of 1x1?", zh="192 张图进入 32 个 5x5 的卷积核。先用 1x1 的卷积核变成 16 张,省多少?")
plain, squeezed = 192 * 25 * 32, 192 * 16 + 16 * 25 * 32
print(f"192*25*32 = {plain:,};  192*16 + 16*25*32 = {squeezed:,}")
assert plain > 9 * squeezed, "a tenth is enough"
table = [2.7, 112, 159, 380, 364, 437, 463, 580, 840, 1072, 1388, 1000]  # thousands, by its paper
print(" + ".join(map(str, table)), f"= {sum(table):,.0f}")
assert sum(table) * 1000 < (small + large) / 8, "22 layers, and less than an eighth of AlexNet's"
remember("Look at fewer maps first, and end in a mean in place of full layers.",
         zh="先看少一点的图,最后用平均代替全连接。")

# %% One table | 一张表
ask("More weights, fewer errors?", zh="权重越多,错得越少吗?")
widths = [3, 64, 64, 128, 128, *3 * [256], *6 * [512]]  # VGG-16's maps, from colours on
vgg = sum(O * (9 * C + 1) for C, O in pairwise(widths)) + sum(
    O * (inputs + 1) for O, inputs in [(4096, 7 * 7 * 512), *layers[1:]])
names = ["AlexNet", "VGG-16", "GoogLeNet"]
millions = [(small + large) / 1e6, vgg / 1e6, sum(table) / 1e3]
# The right name is not among the first five: one network each, on the validation pictures.
errors = [18.2, 7.2, 7.9]
print("AlexNet: NIPS 25; VGG-16: arXiv 1409.1556; GoogLeNet: arXiv 1409.4842; LeNet: IEEE 86, 11")
for name, count, error in zip(names, millions, errors, strict=True):
    print(f"{name:10} {count:6.1f}", words("million weights,", zh="百万个权重,"), f"{error} %")
bars({label("weights, in millions", zh="权重(百万)"): np.round(millions, 1).tolist(),
      label("errors of 100, by their papers", zh="每 100 张的错误(按论文)"): errors}, names)
show("20_after_lenet")
assert millions[1] > 20 * millions[2], "a twentieth of the weights of VGG-16"
assert errors[2] < errors[1] + 1, "and hardly more errors"
remember("It is not the number of weights alone that counts, but how they are put together.",
         zh="重要的不只是权重有多少,更是怎样搭起来。")

# %% Exercises | 练习
check = exercise("20.1", "Three kernels of 3x3 in a row: how many rows and columns do they see?",
                 zh="三个 3x3 的卷积核接起来,看到几行几列?")
# check([0, 0])
check = exercise("20.2", "64 maps in, 64 kernels of 1x1, no bias: how many weights?",
                 zh="64 张图进,64 个 1x1 的卷积核,没有偏置:多少个权重?")
# check(0)
