"""Convolution: a small window slides over the picture and adds up what it sees. (2 s)
卷积:一个小窗口滑过图片,把看到的相乘再相加。(2 秒)
"""

# %% A patch, a kernel, a sum | 一小块、一个核、一个和
import numpy as np
from board import label, matrices, pictures, show
from stage import ask, exercise, remember, terms

from tinygrad_mnist import datasets, functional, tensor

picture = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8]], float)
kernel = np.array([[0, 1], [2, 3]], float)
ask("The kernel lies on the top left corner. Multiply what lies on each other, and add up: "
    "which number is it?", zh="卷积核放在左上角,对应的数相乘再相加,结果是多少?")
patch = picture[:2, :2]
print(terms(kernel, patch), "=", f"{(kernel * patch).sum():.0f}")
assert (kernel * patch).sum() == 19, "0*0 + 1*1 + 2*3 + 3*4 is 19"
remember("Convolution is: multiply, and add up.", zh="卷积就是:相乘,再相加。")

# %% The window slides | 窗口滑动
ask("The picture is 3x3, the kernel 2x2. How large is the result?",
    zh="图片 3x3,卷积核 2x2,结果有多大?")
result = functional.conv2d(tensor(picture[None, None]), tensor(kernel[None, None]))
print(f"(1, 1, 3, 3), (1, 1, 2, 2) -> {result.shape}", result.numpy()[0, 0], sep="\n")
by_hand = [[(kernel * picture[i:i + 2, j:j + 2]).sum() for j in (0, 1)] for i in (0, 1)]
assert np.array_equal(result.numpy()[0, 0], by_hand), "the engine does what the hand does"
matrices([picture, kernel, by_hand], label("picture kernel result", zh="图片 卷积核 结果").split())
show("05_sliding")
remember("The result has one number for each place of the window: 3 - 2 + 1 = 2 each way.",
         zh="窗口每停一处得一个数:每个方向 3 - 2 + 1 = 2。")

# %% Kernels made by hand | 人做的卷积核
ask("One kernel has minus on the left and plus on the right. What does it find in a 7?",
    zh="一个卷积核左边是负、右边是正,它在数字 7 里找到什么?")
digit, scene = datasets.MNIST(train=False).images[0] / 255, np.zeros((28, 28))
scene[14:25, 3:15] = scene[4:13, 19:26] = scene[13:25, 22] = 1  # a house beside a tree
scene[8:14, 3:15] = np.abs(np.arange(12) - 5.5) < np.arange(1, 7)[:, None]
edges = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], float)
sharpen = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], float)
seen = [functional.conv2d(tensor(picture[None, None]), tensor(each[None, None]),
                          padding=len(each) // 2).numpy()[0, 0] for picture in (digit, scene)
        for each in (edges, edges.T, np.full((5, 5), 1 / 25), sharpen)]
pictures([digit, *seen[:4], scene, *seen[4:]],
         label("picture / edges | / edges - / blur 5x5 / sharpen",
               zh="图片 / 竖边缘 / 横边缘 / 5x5 模糊 / 锐化").split(" / "), rows=2, width=3)
show("05_kernels")
assert seen[0].max() > 2 > -2 > seen[0].min(), "where ink begins, from the left: plus; ends: minus"
assert abs((edges * np.full((3, 3), 0.7)).sum()) < 1e-9, "no edge, no answer"
remember("A kernel is a question asked at every place: is there an edge here?",
         zh="卷积核是在每个位置问的一个问题:这里有边缘吗?")

# %% Several maps, and a rim | 多张图,以及补零
ask("Two maps go in. How does one kernel look at both? And how does the result stay as large?",
    zh="进来两张图,一个卷积核怎样同时看?结果怎样才能和图片一样大?")
maps, parts = np.stack([picture, 8 - picture]), np.stack([edges, edges.T])
apart = [functional.conv2d(tensor(each[None, None]), tensor(part[None, None]), padding=1).numpy()
         for each, part in zip(maps, parts, strict=True)]
both = functional.conv2d(tensor(maps[None]), tensor(parts[None]), padding=1).numpy()
print(f"(1, 2, 3, 3), (1, 2, 3, 3) -> {both.shape}")
assert np.array_equal(both, apart[0] + apart[1]), "each map has its part of the kernel; then, a sum"
assert both.shape[2:] == picture.shape, "with zeros all around it is 3 + 2 - 3 + 1 = 3 each way"
remember("A kernel has a part for each map, and adds up what they see. A rim of zeros (padding) "
         "keeps the size.", zh="卷积核对每张图各有一片,看到的都相加。补一圈零(padding),大小不变。")

# %% A kernel that learns | 会学习的卷积核
ask("Nobody tells the network the kernel, only pictures and where their edges are. Can it find "
    "the kernel by itself?", zh="不告诉网络卷积核,只给图片和边缘的位置,它能自己找到卷积核吗?")
digits = tensor(datasets.MNIST().images[:200, None] / 255)
target = functional.conv2d(digits, tensor(edges[None, None]), padding=1)
learnt = tensor(np.zeros((1, 1, 3, 3)), requires_grad=True)
for step in range(200):
    loss = functional.mse_loss(functional.conv2d(digits, learnt, padding=1), target)
    learnt.grad = None
    loss.backward()
    learnt.data -= 1.0 * learnt.grad.data
    if step in (0, 9, 199):
        print(f"{step + 1}: {loss.item():.4f}")
print(np.round(learnt.numpy()[0, 0], 2))
assert np.abs(learnt.numpy() - edges).max() < 0.1, "it has found the kernel"
remember("Nobody designs the kernels of a network: they are learnt from examples.",
         zh="网络的卷积核不是人设计的,是从例子里学来的。")

# %% Exercises | 练习
check = exercise("5.1", "A 3x3 kernel on a picture of 5 x 7: how many rows and columns come out?",
                 zh="3x3 的卷积核作用在 5 x 7 的图片上,结果有几行几列?")
# check([0, 0])
check = exercise("5.2", "How many numbers does a layer with one 3x3 kernel and a bias learn?",
                 zh="只有一个 3x3 卷积核和一个偏置的层要学习几个数?")
# check(0)
