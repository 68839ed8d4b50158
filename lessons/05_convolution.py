"""Convolution: a small window slides over the picture and adds up what it sees. (10 s)
卷积:一个小窗口滑过图片,把看到的相乘再相加。(10 秒)
"""

# %% A patch, a kernel, a sum | 一小块、一个核、一个和
import numpy as np
from stage import ask, check, matrix, new_figure, remember, say, show, words

from tinygrad_mnist import datasets, functional, tensor

picture = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8]], float)
kernel = np.array([[0, 1], [2, 3]], float)
ask("The kernel lies on the top left corner. Multiply what lies on each other, and add up: "
    "which number is it?", zh="卷积核放在左上角,对应的数相乘再相加,结果是多少?")
patch = picture[:2, :2]
print(" + ".join(f"{k:.0f}*{p:.0f}" for k, p in zip(kernel.flat, patch.flat, strict=True)), "=",
      f"{(kernel * patch).sum():.0f}")
assert (kernel * patch).sum() == 19, "0*0 + 1*1 + 2*3 + 3*4 is 19"
remember("Convolution is: multiply, and add up.", zh="卷积就是:相乘,再相加。")

# %% The window slides | 窗口滑动
ask("The picture is 3x3, the kernel 2x2. How large is the result?",
    zh="图片 3x3,卷积核 2x2,结果有多大?")
result = functional.conv2d(tensor(picture[None, None]), tensor(kernel[None, None]))
print(f"(1, 1, 3, 3) and (1, 1, 2, 2) -> {result.shape}")
print(result.numpy()[0, 0])
by_hand = [[(kernel * picture[i:i + 2, j:j + 2]).sum() for j in (0, 1)] for i in (0, 1)]
assert np.array_equal(result.numpy()[0, 0], by_hand), "the engine does what the hand does"
figure = new_figure(11, 4)
for axes, values, name in zip(figure.subplots(1, 3), (picture, kernel, by_hand),
                              (words("picture", zh="图片"), words("kernel", zh="卷积核"),
                               words("result", zh="结果")), strict=True):
    matrix(axes, values, name)
show(figure, "05_sliding")
remember("The result has one number for each place of the window: 3 - 2 + 1 = 2 each way.",
         zh="窗口每停一处得一个数:每个方向 3 - 2 + 1 = 2。")

# %% Kernels made by hand | 人做的卷积核
digit = datasets.MNIST(train=False).images[0] / 255
kernels = {
    words("edges |", zh="竖边缘"): np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]),
    words("edges -", zh="横边缘"): np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]]),
    words("blur", zh="模糊"): np.full((5, 5), 1 / 25),
    words("sharpen", zh="锐化"): np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
}
ask("One kernel has minus on the left and plus on the right. What does it find in a 7?",
    zh="一个卷积核左边是负、右边是正,它在数字 7 里找到什么?")
figure = new_figure(15, 4)
for axes, (name, values) in zip(figure.subplots(1, 5), [("7", None), *kernels.items()],
                                strict=True):
    seen = digit if values is None else functional.conv2d(
        tensor(digit[None, None]), tensor(values[None, None].astype(float)),
        padding=len(values) // 2).numpy()[0, 0]
    axes.imshow(seen)
    axes.set_title(name)
    axes.set_axis_off()
show(figure, "05_kernels")
flat = np.full((3, 3), 0.7)
assert abs((flat * kernels[words("edges |", zh="竖边缘")]).sum()) < 1e-9, "no edge, no answer"
remember("A kernel is a question asked at every place: is there an edge here?",
         zh="卷积核是在每个位置问的一个问题:这里有边缘吗?")

# %% A kernel that learns | 会学习的卷积核
ask("Nobody tells the network the kernel, only pictures and where their edges are. Can it find "
    "the kernel by itself?", zh="不告诉网络卷积核,只给图片和边缘的位置,它能自己找到卷积核吗?")
pictures = tensor(datasets.MNIST().images[:200, None] / 255)
edges = tensor(kernels[words("edges |", zh="竖边缘")][None, None].astype(float))
target = functional.conv2d(pictures, edges, padding=1)
learnt = tensor(np.zeros((1, 1, 3, 3)), requires_grad=True)
for step in range(200):
    loss = functional.mse_loss(functional.conv2d(pictures, learnt, padding=1), target)
    learnt.grad = None
    loss.backward()
    learnt.data -= 1.0 * learnt.grad.data
    if step in (0, 9, 199):
        print(f"step {step + 1:3}: loss {loss.item():.4f}")
print(np.round(learnt.numpy()[0, 0], 2))
assert np.abs(learnt.numpy() - edges.numpy()).max() < 0.1, "it has found the kernel"
remember("Nobody designs the kernels of a network: they are learnt from examples.",
         zh="网络的卷积核不是人设计的,是从例子里学来的。")

# %% Exercises | 练习
say("1. How many rows and columns has the result of a 3x3 kernel on a picture of 5 x 7?",
    zh="1. 3x3 的卷积核作用在 5 x 7 的图片上,结果有几行几列?")
# check("5.1", [0, 0])
say("2. What does the kernel [-1, 0, 1] give on the row 4, 4, 4, 4, 4?",
    zh="2. 卷积核 [-1, 0, 1] 作用在一行 4, 4, 4, 4, 4 上,得到什么?")
# check("5.2", [1, 1, 1])
say("3. How many numbers does a layer with one 3x3 kernel and a bias learn?",
    zh="3. 只有一个 3x3 卷积核和一个偏置的层要学习几个数?")
# check("5.3", 0)
assert check("5.3", 9 + 1), "the answers can be checked"
