"""Pooling: a picture shrinks, and what matters stays. (1 s)
池化:图片变小,要紧的留下。(1 秒)
"""

# %% The largest of four | 四个里最大的
import numpy as np
from board import label, matrices, pictures, show
from stage import ask, exercise, remember

from tinygrad_mnist import datasets, nn, tensor

picture = np.array([[1, 3, 2, 0], [4, 8, 1, 1], [0, 2, 5, 5], [2, 0, 5, 5]], float)
windows = [picture[i:i + 2, j:j + 2].astype(int).ravel().tolist() for i in (0, 2) for j in (0, 2)]
ask("Max pooling keeps the largest of every four. What will the 4x4 become?",
    zh="最大池化:每四个数留下最大的。4x4 会变成什么?")
print(picture.astype(int))
largest = nn.MaxPool2d(2)(tensor(picture[None, None])).numpy()
for four in windows:
    print(f"max({', '.join(map(str, four))}) = {max(four)}")
print(f"{picture[None, None].shape} -> {largest.shape}")
assert largest[0, 0].tolist() == [[8, 2], [2, 5]], "one number for each 2x2 window"
remember("Max pooling asks: is it anywhere in this window?", zh="最大池化问的是:这个窗口里有没有?")

# %% Their average | 四个的平均
ask("Average pooling takes their mean. What will the 4x4 become now?",
    zh="平均池化取平均值。这回 4x4 变成什么?")
average = nn.AvgPool2d(2)(tensor(picture[None, None])).numpy()
for four in windows:
    print(f"({' + '.join(map(str, four))}) / 4 = {sum(four) / 4:g}")
assert average[0, 0].tolist() == [[4, 1], [1, 5]], "the mean of each window"
matrices([picture, largest[0, 0], average[0, 0]],
         label("picture max average", zh="图片 最大 平均").split(), windows=(2, 1, 1))
show("07_max_and_average")
remember("Average pooling asks: how much of it is here?", zh="平均池化问的是:一共有多少?")

# %% A digit shrinks | 数字变小
ask("28x28 is pooled to 14x14, to 7x7, to 3x3. How far can you still read it?",
    zh="28x28 池化成 14x14、7x7、3x3。到哪一步还认得出来?")
seen = [tensor(datasets.MNIST(train=False).images[:1, None] / 255)]
for _ in range(3):
    seen.append(nn.MaxPool2d(2)(seen[-1]))
sizes = ["{2} x {3}".format(*pooled.shape) for pooled in seen]
print(", ".join(f"{name} = {pooled.numel()}" for name, pooled in zip(sizes, seen, strict=True)))
pictures([pooled.numpy()[0, 0] for pooled in seen], sizes, width=3.7)
show("07_digit")
assert seen[2].numel() * 16 == seen[0].numel(), "two poolings: a sixteenth of the numbers"
assert seen[3].shape[2:] == (3, 3), "7 is odd: the last row and column fit no window, and are lost"
remember("Pooling leaves a quarter of the numbers: a quarter of the work for all that follows.",
         zh="池化后只剩四分之一的数,后面的计算也只要四分之一。")

# %% What is lost | 丢了什么
ask("A dot moves by one pixel, then by one more. Does the pooled picture notice?",
    zh="一个点移动一个像素,再移动一个。池化后的图片看得出来吗?")
rows = np.zeros((3, 1, 2, 4))
rows[[0, 1, 2], 0, 0, [0, 1, 2]] = 9
pooled = nn.MaxPool2d(2)(tensor(rows)).numpy()
for row, small in zip(rows[:, 0, 0], pooled[:, 0, 0], strict=True):
    print(row.astype(int), "->", small.astype(int))
assert np.array_equal(pooled[0], pooled[1]), "inside its window the dot may move unnoticed"
assert not np.array_equal(pooled[1], pooled[2]), "out of its window it may not"
remember("Pooling forgets where exactly. A digit drawn a little to the left is the same digit.",
         zh="池化忘掉的是精确位置。数字稍微写偏一点,还是那个数字。")

# %% Where the gradient goes | 梯度去哪里
ask("A gradient of 1 comes back to each of the four results. Which of the 16 pixels get it?",
    zh="四个结果各收到梯度 1。16 个像素里,哪些能拿到?")
gradients = []
for pool in (nn.MaxPool2d(2), nn.AvgPool2d(2)):
    asked = tensor(picture[None, None], requires_grad=True)
    pool(asked).sum().backward()
    gradients.append(asked.grad.numpy()[0, 0])
    print(pool, gradients[-1], sep="\n")
matrices([picture, *gradients], label("picture / gradient of max / gradient of average",
         zh="图片 / 最大池化的梯度 / 平均池化的梯度").split(" / "), (0, 0, 2), windows=(2, 2, 2))
show("07_gradient")
assert gradients[0].sum() == 4, "one winner in each window takes it all"
assert gradients[0][2:, 2:].tolist() == [[1, 0], [0, 0]], "of equals, the first wins"
assert np.all(gradients[1] == 1 / 4), "the average shares it among the four"
remember("Max: the winner takes all. Average: all share.", zh="最大:赢家全拿。平均:大家平分。")

# %% Exercises | 练习
check = exercise("7.1", "A window holds 1, 5, 3 and 2. What do max and average pooling give?",
                 zh="窗口里是 1、5、3、2。最大池化和平均池化各得多少?")
# check([0, 0])
check = exercise("7.2", "Max pooling over 4, 4, 1, 0; a gradient of 10 comes back. Who gets what?",
                 zh="窗口里是 4、4、1、0,最大池化传回梯度 10。四个像素各得多少?")
# check([0, 0, 0, 0])
check = exercise("7.3", "A picture of 24 x 20 goes through 2x2 pooling twice. How large is it?",
                 zh="24 x 20 的图片做两次 2x2 池化,变成多大?")
# check([0, 0])
