"""What the network sees: each kernel makes a map of the picture, and maps move with it. (15 s)
网络看到了什么:每个卷积核把图片变成一张特征图,图片移动,特征图跟着移动。(15 秒)
"""

# %% Sixteen kernels, before and after | 十六个卷积核:训练之前和之后
import copy

import numpy as np
from stage import BLUE, GREY, RED, ask, check, fast, new_figure, remember, say, show, words

import tinygrad_mnist as tg
from tinygrad_mnist.introspection import activations

ask("The first layer has 16 kernels of 3x3, and a bias for each. How many numbers does it learn?",
    zh="第一层有 16 个 3x3 的卷积核,每个带一个偏置。它要学习几个数?")
tg.manual_seed(0)
model = tg.models.create("seed")
before = copy.deepcopy(model)
print(f"16 * 3 * 3 + 16 = {tg.models.count_parameters(model[0])}")
data, test = tg.datasets.MNIST(), tg.datasets.MNIST(train=False, transform=tg.transforms.ToTensor())
some = slice(6000 if fast() else 12000)
pictures = tg.TensorDataset(tg.transforms.ToTensor()(data.images[some]), data.labels[some])
optimizer = tg.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
tg.training.fit(model, tg.DataLoader(pictures, 64, shuffle=True), optimizer, epochs=2)
accuracies = [tg.training.evaluate(each, test).accuracy for each in (before, model)]
say(f"Accuracy on the test set: {accuracies[0]:.0%} before, {accuracies[1]:.0%} after training.",
    zh=f"测试集上的准确率:训练前 {accuracies[0]:.0%},训练后 {accuracies[1]:.0%}。")
say("Orange is below zero, white is zero, purple is above.", zh="橙色小于零,白色是零,紫色大于零。")
names = words("before", zh="训练前"), words("after", zh="训练后")
figure = new_figure(15, 3.2)
for row, each, name in zip(figure.subfigures(2, 1), (before, model), names, strict=True):
    row.suptitle(name, x=0.005, ha="left")
    for axes, kernel in zip(row.subplots(1, 16), each[0].weight.numpy()[:, 0], strict=True):
        axes.imshow(kernel, cmap="PuOr", vmin=-1, vmax=1)
        axes.set_axis_off()
show(figure, "14_kernels")
assert accuracies[1] > accuracies[0] + 0.5, "the kernels moved, and with them the answers"
remember("A network begins with random kernels. Training pushes them a little, all at once.",
         zh="网络从随机的卷积核开始,训练把它们一起推动一点点。")

# %% One kernel, one map | 一个卷积核,一张特征图
ask("Sixteen kernels look at one 7 of 28x28. How many numbers come out?",
    zh="十六个卷积核看一张 28x28 的 7,出来多少个数?")
seven = test[0][0][None]
maps = model[0](seven).numpy()[0]
print(f"{seven.shape} -> {(1, *maps.shape)}: 16 * 28 * 28 = {maps.size}")
patch, kernel = seven.numpy()[0, 0, 7:10, 12:15], model[0].weight.numpy()[0, 0]
bias = model[0].bias.numpy()[0]
print(" + ".join(f"{p:.1f}*({k:.2f})" for p, k in zip(patch.flat, kernel.flat, strict=True)),
      f"+ bias {bias:.2f} = {(patch * kernel).sum() + bias:.2f}")
assert np.isclose((patch * kernel).sum() + bias, maps[0, 8, 13], atol=1e-5), \
    "row 8, column 13 of the first map is the patch around it, times the kernel, plus the bias"
remember("A feature map is the answer of one kernel, at every place of the picture.",
         zh="特征图就是一个卷积核在图片每个位置上给出的回答。")

# %% The same 7, before and after | 同一个 7,训练之前和之后
ask("Random kernels give maps as well. Can you tell the trained ones from them?",
    zh="随机的卷积核也给出特征图。你能看出哪些是训练过的吗?")
figure, answers = new_figure(15, 5.6), []
for row, each, name in zip(figure.subfigures(2, 1), (before, model), names, strict=True):
    layers = activations(each, seven)
    answers.append(tg.functional.softmax(tg.tensor(layers[-1].output), 1).numpy()[0])
    row.suptitle(name, x=0.005, ha="left")
    *places, last = row.subplots(1, 8, width_ratios=[1] * 7 + [1.6])
    for axes, values in zip(places, [seven.numpy()[0, 0], *layers[2].output[0][:6]], strict=True):
        most = np.abs(values).max()
        axes.imshow(values, cmap="PuOr", vmin=-most, vmax=most)
        axes.set_axis_off()
    last.bar(range(10), answers[-1], color=[*[GREY] * 7, RED, GREY, GREY])
    last.set(ylim=(0, 1), yticks=[0, 1], xticks=[0, 7])
show(figure, "14_maps")
say(f"It says 7 with {answers[0][7]:.0%} before, and with {answers[1][7]:.0%} after training.",
    zh=f"回答“7”的概率:训练前 {answers[0][7]:.0%},训练后 {answers[1][7]:.0%}。")
assert answers[0][7] < 0.5 < answers[1][7], "we see a 7 in both; only one network does"
remember("Even random kernels show us a 7. What is learnt is what matters, and what it means.",
         zh="随机的卷积核也能让我们看出 7。学到的是:什么重要,它意味着什么。")

# %% What pooling keeps | 池化留下什么
ask("Pooling takes the largest of each 2x2. What is left of 16 numbers, and what is lost?",
    zh="池化在每个 2x2 里取最大的数。16 个数剩下什么,丢掉什么?")
corner = maps[0, 8:12, 12:16]
pooled = tg.functional.max_pool2d(tg.tensor(maps[None]), 2).numpy()[0]
for values in (corner, pooled[0, 4:6, 6:8]):
    print(np.round(values, 2))
print(f"{maps.shape} -> {pooled.shape}: {maps.size} numbers -> {pooled.size}")
assert pooled[0, 4, 6] == corner[:2, :2].max(), "the largest of the four has stayed"
remember("Pooling keeps how strong the answer was, and forgets where exactly, to a pixel.",
         zh="池化记住回答有多强,忘掉它精确到像素的位置。")

# %% Move the picture | 移动图片
ask("The 7 moves two pixels to the right. What happens to its maps, before and after pooling?",
    zh="7 向右移动两个像素,它的特征图在池化前后怎样变化?")
moved = tg.tensor(np.roll(seven.numpy(), 2, axis=3))
first, second = activations(model, seven)[:2], activations(model, moved)[:2]
for (_, layer, was), (_, _, now), step in zip(first, second, (2, 1), strict=True):
    same = np.allclose(np.roll(was, step, axis=3), now, atol=1e-5)
    print(f"{type(layer).__name__}: maps moved by {step}: {same}")
    assert same, "a kernel asks the same question everywhere, so its answers move along"
images = test.images[:2000, None] / np.float32(255)
right = [100 * (tg.training.predict(model, tg.tensor(np.roll(images, shift, axis=3))).argmax(1)
                == test.labels[:2000]).mean() for shift in range(5)]
figure = new_figure(9, 5)
axes = figure.subplots()
axes.plot(right, "o-", color=BLUE, linewidth=3)
axes.set(ylim=(0, 100), xticks=range(5), xlabel=words("moved by ... pixels", zh="移动的像素数"),
         ylabel=words("accuracy (%)", zh="准确率 (%)"))
show(figure, "14_moved")
print(", ".join(f"{shift} pixels: {part:.0f} %" for shift, part in enumerate(right)))
assert right[0] > right[-1] + 20, "the maps move along, the fully connected layer does not"
remember("Convolution does not mind where the digit is. The fully connected layer does.",
         zh="卷积不在乎数字在哪里,全连接层在乎。")

# %% Exercises | 练习
say("1. How many numbers does the second layer learn, 32 kernels over 16 maps, 3x3, with biases?",
    zh="1. 第二层有 32 个卷积核,每个看 16 张图,大小 3x3,带偏置。它要学习几个数?")
# check("14.1", 0)
say("2. A picture moves by 8 pixels. By how many do the maps move after two poolings of 2x2?",
    zh="2. 图片移动 8 个像素,经过两次 2x2 池化之后,特征图移动几个像素?")
# check("14.2", 0)
assert check("14.1", 32 * 16 * 3 * 3 + 32), "32 kernels of 16 x 3 x 3, and a bias for each"
