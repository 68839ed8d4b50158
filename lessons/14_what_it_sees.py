"""What the network sees: each kernel makes a map of the picture, and maps move with it. (3 s)
网络看到了什么:每个卷积核把图片变成一张特征图,图片移动,特征图跟着移动。(3 秒)
"""

# %% Sixteen kernels, before and after | 十六个卷积核:训练之前和之后
import numpy as np
from board import curves, label, pictures, show
from stage import ask, exercise, remember, say, terms, words

import tinygrad_mnist as tg
from tinygrad_mnist.introspection import activations
from tinygrad_mnist.ladder import shipped

ask("The first layer has 16 kernels of 3x3, and a bias for each. How many numbers does it learn?",
    zh="第一层有 16 个 3x3 的卷积核,每个带一个偏置。它要学习几个数?")
tg.manual_seed(0)  # the very numbers that the training of the trained one began with
before, after = tg.models.create("seed"), tg.models.load(shipped()["seed"])
print(f"16 * 3 * 3 + 16 = {tg.models.count_parameters(after[0])}")
test = tg.datasets.MNIST(train=False, transform=tg.transforms.ToTensor())
accuracies = [tg.training.evaluate(model, test).accuracy for model in (before, after)]
say(f"Accuracy on the test set: {accuracies[0]:.0%} before, {accuracies[1]:.0%} after training. In "
    "the figure orange is below zero, white is zero, purple is above.",
    zh=f"测试集上的准确率:训练前 {accuracies[0]:.0%},训练后 {accuracies[1]:.0%}。"
    "图中橙色小于零,白色是零,紫色大于零。")
rows = label("before after", zh="训练前 训练后").split()
kernels = [kernel for model in (before, after) for kernel in model[0].weight.numpy()[:, 0]]
pictures(kernels, rows=2, width=0.95, row_names=rows, cmap="PuOr", vmin=-1, vmax=1)
show("14_kernels")
assert accuracies[1] > accuracies[0] + 0.5, "the kernels moved, and with them the answers"
remember("A network begins with random kernels. Training pushes them a little, all at once.",
         zh="网络从随机的卷积核开始,训练把它们一起推动一点点。")

# %% One kernel, one map | 一个卷积核,一张特征图
ask("Sixteen kernels look at one 7 of 28x28. How many numbers come out?",
    zh="十六个卷积核看一张 28x28 的 7,出来多少个数?")
seven = test[:1][0]
maps = after[0](seven).numpy()[0]
print(f"{seven.shape} -> {(1, *maps.shape)}: 16 * 28 * 28 = {maps.size}")
patch, kernel = seven.numpy()[0, 0, 7:10, 12:15], after[0].weight.numpy()[0, 0]
bias = after[0].bias.numpy()[0]
print(f"{terms(patch, kernel, 1)} + {bias:.1f} = {(patch * kernel).sum() + bias:.1f}")
assert np.isclose((patch * kernel).sum() + bias, maps[0, 8, 13], atol=1e-5), \
    "row 8, column 13 of the first map is the patch around it, times the kernel, plus the bias"
remember("A feature map is the answer of one kernel, at every place of the picture.",
         zh="特征图就是一个卷积核在图片每个位置上给出的回答。")

# %% The same 7, before and after | 同一个 7,训练之前和之后
ask("Random kernels give maps as well. Can you tell the trained ones from them?",
    zh="随机的卷积核也给出特征图。你能看出哪些是训练过的吗?")
seen, answers = [], []
for model in (before, after):
    layers = activations(model, seven)
    answers.append(tg.functional.softmax(tg.tensor(layers[-1].output), 1).numpy()[0, 7])
    seen += [seven.numpy()[0, 0], *(each / np.abs(each).max() for each in layers[2].output[0][:6])]
pictures(seen, rows=2, width=2, row_names=rows, cmap="PuOr", vmin=-1, vmax=1)
show("14_maps")
say(f"It says 7 with {answers[0]:.0%} before, and with {answers[1]:.0%} after training.",
    zh=f"回答“7”的概率:训练前 {answers[0]:.0%},训练后 {answers[1]:.0%}。")
assert answers[0] < 0.5 < answers[1], "we see a 7 in both; only one network does"
remember("Even random kernels show us a 7. What is learnt is what matters, and what it means.",
         zh="随机的卷积核也能让我们看出 7。学到的是:什么重要,它意味着什么。")

# %% Move the picture | 移动图片
ask("The 7 moves two pixels to the right. What happens to its maps, before and after pooling?",
    zh="7 向右移动两个像素,它的特征图在池化前后怎样变化?")
moved = tg.tensor(np.roll(seven.numpy(), 2, axis=3))
for was, now, step in zip(activations(after, seven)[:2], activations(after, moved), (2, 1),
                          strict=False):
    print(f"{type(was.layer).__name__}:", words("maps moved by", zh="特征图移动了"), step)
    assert np.allclose(np.roll(was.output, step, axis=3), now.output, atol=1e-5), \
        "a kernel asks the same question everywhere, so its answers move along"
images, labels = test[:1000]
right = [100 * np.mean(tg.training.predict(after, tg.tensor(np.roll(images.numpy(), shift, axis=3)))
                       .argmax(axis=1) == labels) for shift in range(7)]
print(" ".join(f"{part:.0f}" for part in right))
curves({"": right}, label("moved by ... pixels", zh="移动的像素数"), label("accuracy (%)",
       zh="准确率 (%)"), ylim=(0, 115), form="{:.0f}")
show("14_moved")
assert right[0] > right[-1] + 20, "the maps move along, the fully connected layer does not"
remember("Convolution does not mind where the digit is. The fully connected layer does.",
         zh="卷积不在乎数字在哪里,全连接层在乎。")

# %% Exercises | 练习
check = exercise("14.1", "How many numbers does the second layer learn: 32 kernels, 3x3, 16 maps?",
                 zh="第二层有 32 个卷积核,每个看 16 张图,大小 3x3,带偏置。它要学习几个数?")
# check(0)
check = exercise("14.2", "A picture moves by 8 pixels. By how many do the maps after two poolings?",
                 zh="图片移动 8 个像素,经过两次 2x2 池化之后,特征图移动几个像素?")
# check(0)
