"""Pooling: a picture shrinks, and what matters stays. (3 s)
池化:图片变小,要紧的留下。(3 秒)
"""

# %% The largest of four | 四个里最大的
import numpy as np
import stage
from stage import ask, check, matrix, new_figure, remember, say, show, words

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
figure = new_figure(14, 5.5)
for axes, values, title, size in zip(
        figure.subplots(1, 3, width_ratios=[2, 1, 1]), (picture, largest[0, 0], average[0, 0]),
        (words("picture", zh="图片"), words("max", zh="最大"), words("average", zh="平均")),
        (2, 1, 1), strict=True):
    matrix(axes, values, title)
    for (i, j), colour in zip(np.ndindex(2, 2), (stage.BLUE, stage.ORANGE, stage.GREEN, stage.RED),
                              strict=True):
        x, y = size * np.array([j, j + 1, j + 1, j, j]), size * np.array([i, i, i + 1, i + 1, i])
        axes.plot(0.94 * (x - x.mean()) + x.mean() - 0.5, 0.94 * (y - y.mean()) + y.mean() - 0.5,
                  color=colour, linewidth=6)
figure.get_layout_engine().set(wspace=0.1)
show(figure, "07_max_and_average")
remember("Average pooling asks: how much of it is in this window?",
         zh="平均池化问的是:这个窗口里一共有多少?")

# %% A digit shrinks | 数字变小
ask("28x28 is pooled to 14x14, to 7x7, to 3x3. How far can you still read it?",
    zh="28x28 池化成 14x14、7x7、3x3。到哪一步还认得出来?")
seen = [tensor(datasets.MNIST(train=False).images[:1, None] / 255)]
for _ in range(3):
    seen.append(nn.MaxPool2d(2)(seen[-1]))
figure = new_figure(15, 4.3)
for axes, pooled in zip(figure.subplots(1, 4), seen, strict=True):
    rows, columns = pooled.shape[2:]
    print(f"{rows:2} x {columns:2} = {rows * columns:3}")
    axes.imshow(pooled.numpy()[0, 0])
    axes.set(title=f"{rows} x {columns}", xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
show(figure, "07_digit")
assert seen[2].numel() * 16 == seen[0].numel(), "two poolings: a sixteenth of the numbers"
assert seen[3].shape[2:] == (3, 3), "7 is odd: the last row and column fit no window, and are lost"
remember("Pooling leaves a quarter of the numbers: a quarter of the work for all that follows.",
         zh="池化后只剩四分之一的数,后面的计算也只要四分之一。")

# %% What is lost | 丢了什么
ask("A dot moves by one pixel, then by one more. Does the pooled picture notice?",
    zh="一个点移动一个像素,再移动一个。池化后的图片看得出来吗?")
rows = np.zeros((3, 1, 2, 4))
for place in range(3):
    rows[place, 0, 0, place] = 9
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
figure = new_figure(15, 5.5)
for axes, values, title, digits in zip(
        figure.subplots(1, 3), (picture, *gradients),
        (words("picture", zh="图片"), words("gradient of max", zh="最大池化的梯度"),
         words("gradient of average", zh="平均池化的梯度")), (0, 0, 2), strict=True):
    matrix(axes, values, title, digits)
    axes.images[0].set_clim(0, max(1, values.max()))
    axes.plot([1.5, 1.5], [-0.5, 3.5], [-0.5, 3.5], [1.5, 1.5], color=stage.ORANGE, linewidth=5)
figure.get_layout_engine().set(wspace=0.1)
show(figure, "07_gradient")
assert gradients[0].sum() == 4, "one winner in each window takes it all"
assert gradients[0][2:, 2:].tolist() == [[1, 0], [0, 0]], "of equals, the first wins"
assert np.all(gradients[1] == 1 / 4), "the average shares it among the four"
remember("Max pooling: the winner takes all. Average pooling: everyone gets a quarter.",
         zh="最大池化:赢家全拿。平均池化:人人四分之一。")

# %% Exercises | 练习
say("1. A window holds 1, 5, 3 and 2. What do max pooling and average pooling make of it?",
    zh="1. 窗口里是 1、5、3、2。最大池化和平均池化各得多少?")
# check("7.1", [0, 0])
say("2. A window holds 4, 4, 1 and 0, and a gradient of 10 comes back through max pooling. What "
    "does each pixel get?", zh="2. 窗口里是 4、4、1、0,最大池化传回梯度 10。四个像素各得多少?")
# check("7.2", [0, 0, 0, 0])
say("3. A picture of 24 x 20 goes through 2x2 pooling twice. How large is it then?",
    zh="3. 24 x 20 的图片做两次 2x2 池化,变成多大?")
# check("7.3", [0, 0])
assert check("7.3", [24 / 4, 20 / 4]), "the answers can be checked"
