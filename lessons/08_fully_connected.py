"""Fully connected and softmax: every feature has a say, and scores become probabilities. (1 s)
全连接与 softmax:每个特征都参与打分,分数再变成概率。(1 秒)
"""

# %% Every feature has a say | 每个特征都参与打分
import numpy as np
from board import bars, connections, label, show
from stage import ask, exercise, remember, terms

from tinygrad_mnist import functional, tensor

ask("Found in a picture: 2 of a loop above, 0 of a loop below, 1 of a bar. Which digit gets the "
    "highest score, if each has weights of its own for these features?",
    zh="图片里找到:上圈 2,下圈 0,横线 1。每个数字各有一套权重,谁得分最高?")
features, digits = np.array([2.0, 0.0, 1.0]), ["8", "9", "7"]
weight = np.array([[2.0, 2.0, -1.0], [2.0, -2.0, 1.0], [-1.0, -1.0, 3.0]])
bias = np.array([-2.0, -2.0, -1.0])
logits = functional.linear(tensor(features[None]), tensor(weight), tensor(bias))
scores = logits.numpy()[0]
for digit, row, b, score in zip(digits, weight, bias, scores, strict=True):
    print(f"{digit}:  {terms(features, row)} + {b:.0f} = {score:.0f}")
assert scores.tolist() == [1, 3, 0], "the 9 wins: a loop above speaks for it, one below against"
connections(weight, label("loop above: 2 / loop below: 0 / bar: 1",
                          zh="上圈:2 / 下圈:0 / 横线:1").split(" / "), digits)
show("08_votes")
remember("Fully connected: each output is a weighted sum of all inputs, and a bias.",
         zh="全连接:每个输出都是所有输入的加权和,再加一个偏置。")

# %% A bend between two layers | 两层之间要有非线性
ask("Two fully connected layers in a row: can they say more than one?",
    zh="两个全连接层接起来,比一层更能干吗?")
inputs, first, second = np.random.default_rng(1).normal(size=(3, 4, 4))
bent = functional.relu(tensor(inputs @ first)).numpy() @ second
print(functional.relu(tensor(np.array([-2.0, -1, 0, 1, 2]))).tolist())
assert np.allclose((inputs @ first) @ second, inputs @ (first @ second)), "two layers are one layer"
assert not np.allclose(bent, inputs @ (first @ second)), "but not with a ReLU between the two"
remember("ReLU makes 0 of what is negative. Without such a bend, many layers are no more than one.",
         zh="ReLU 把负数变成 0。没有这样的非线性,再多层也只顶一层。")

# %% It sees a list | 它看到的是一串数
ask("A picture is laid out as 784 pixels. Shuffle them, and the weights alike: new scores?",
    zh="图片摊成一行 784 个像素。打乱像素,权重也跟着换位,得分会变吗?")
random = np.random.default_rng(0)
pixels, weights, order = random.random((1, 784)), random.random((10, 784)), random.permutation(784)
straight = functional.linear(tensor(pixels), tensor(weights)).numpy()
shuffled = functional.linear(tensor(pixels[:, order]), tensor(weights[:, order])).numpy()
print(f"(1, 784), (10, 784) -> {straight.shape}")
print(straight[0, :6].round(2), shuffled[0, :6].round(2), sep="\n")
assert np.allclose(straight, shuffled), "a sum does not care about the order of its terms"
remember("It does not know which pixels are neighbours. So convolve first, and combine last.",
         zh="全连接不知道哪些像素相邻。所以先卷积,最后再汇总。")

# %% Scores become probabilities | 分数变成概率
ask("The scores are 1, 3 and 0. How sure is that of the 9, in per cent?",
    zh="得分是 1、3、0。是 9 的把握有百分之几?")
powers = np.exp(scores)
print("e**1 + e**3 + e**0 = {:.3f} + {:.3f} + {:.3f}".format(*powers), f"= {powers.sum():.3f}")
for digit, power in zip(digits, powers, strict=True):
    print(f"{digit}:  {power:6.3f} / {powers.sum():.3f} = {power / powers.sum():.3f}")
probabilities = functional.softmax(logits, dim=1).numpy()[0]
assert np.allclose(probabilities, powers / powers.sum()), "powers of e, by their sum: together 1"
bars({label("score (logit)", zh="得分 (logit)"): scores, label("e to the score", zh="e 的得分次方"):
      powers, label("probability", zh="概率"): probabilities}, digits, "{:.3g}")
show("08_softmax")
remember("Softmax: e to the power of each score, divided by the sum of them all.",
         zh="softmax:先算 e 的得分次方,再除以它们的总和。")

# %% Why the largest is subtracted first | 为什么先减去最大的
ask("Add 1000 to all three scores. What should happen to the probabilities? What does happen?",
    zh="三个得分都加 1000,概率应该怎样?实际会怎样?")
high = scores + 1000
with np.errstate(over="ignore", invalid="ignore"):
    naive = np.exp(high) / np.exp(high).sum()
lowered = high - high.max()
careful = np.exp(lowered) / np.exp(lowered).sum()
print(f"e ** {high} / sum  ->  {naive}")
print(f"e ** {lowered} / sum  ->  {careful.round(3)}")
assert np.isnan(naive).all(), "e**1000 is too large for a float: infinity by infinity is nan"
assert np.allclose(careful, probabilities), "the same distances give the same probabilities"
assert np.allclose(functional.softmax(tensor(high), 0), careful), "and so does the engine"
remember("Only the distances count. So move the largest to 0, and no power is ever above 1.",
         zh="只有差值起作用。所以把最大的移到 0,任何一个幂都不会超过 1。")

# %% Exercises | 练习
check = exercise("8.1", "Weights 1 and -2, bias 3, inputs 4 and 1. What is the output?",
                 zh="权重是 1 和 -2,偏置是 3,输入是 4 和 1,输出是多少?")
# check(0)
check = exercise("8.2", "How many numbers does a fully connected layer from 1568 to 16 learn?",
                 zh="一个从 1568 个输入到 16 个输出的全连接层要学习几个数?")
# check(0)
