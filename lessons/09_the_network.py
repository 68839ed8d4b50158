"""The talk's network: eight layers, 30,074 numbers, and before training nothing but guesses. (2 s)
演讲里的网络:八层、30,074 个数,没训练之前全靠瞎猜。(2 秒)
"""

# %% Eight layers | 八层
import numpy as np
from board import bars, label, pictures, show
from stage import ask, exercise, remember, say, size

from tinygrad_mnist import datasets, functional, introspection, manual_seed, models, tensor

manual_seed(0)
model = models.create("seed")
test = datasets.MNIST(train=False)
images = tensor(test.images[:500, None] / np.float32(255))
ask("A picture of 1 x 28 x 28 pixels goes in, ten scores come out. What happens in between?",
    zh="进去的是 1 x 28 x 28 的图片,出来的是十个得分。中间发生了什么?")
layers = introspection.activations(model, images[:1])
for name, layer, output in layers:
    print(f"{name} {type(layer).__name__:10} {size(output.shape[1:])}")
shapes = [output.shape[1:] for _, _, output in layers]
assert shapes[:2] == [(16, 28, 28), (16, 14, 14)], "padding keeps the size, pooling halves it"
assert shapes[4] == (32 * 7 * 7,), "flattening keeps all the numbers, in one row"
remember("Convolve and pool, twice; then flatten, and combine. Pictures shrink, features grow.",
         zh="卷积、池化,重复两次;再展平、全连接。图片越来越小,特征越来越多。")

# %% What it learns | 要学的数
ask("How many numbers does it learn? Which layer has most of them?",
    zh="它一共要学多少个数?哪一层最多?")
counts = {}
for name, layer, _ in layers:
    if hasattr(layer, "weight"):
        weight, bias = layer.weight.shape, layer.bias.shape[0]
        name = f"{name} {type(layer).__name__}"
        counts[name] = int(np.prod(weight)) + bias
        print(f"{name}: {'*'.join(map(str, weight))} + {bias} = {counts[name]}")
print(*counts.values(), sep=" + ", end=f" = {sum(counts.values())}\n")
assert counts["0 Conv2d"] == 16 * 1 * 3 * 3 + 16, "16 kernels of 3x3 on one channel, and 16 biases"
assert sum(counts.values()) == models.count_parameters(model) == 30074, "nothing else is learnt"
remember("A weight for each cell of a kernel, and for each line between layers; and the biases.",
         zh="卷积核的每一格、层与层之间的每条连线,各是一个权重;再加上偏置。")

# %% Where the work is | 计算量在哪里
ask("Multiplications = results x inputs of each. The convolutions have few weights: little to do?",
    zh="乘法次数 = 结果个数 x 每个结果的输入个数。卷积层权重少,计算量也小吗?")
work = [16 * 28 * 28 * 1 * 3 * 3, 32 * 14 * 14 * 16 * 3 * 3, 16 * 32 * 7 * 7, 10 * 16]
print(f"2 Conv2d: 32*14*14 x 16*3*3 = {work[1]:,};  5 Linear: 16 x 32*7*7 = {work[2]:,}")
assert counts["5 Linear"] > 0.8 * 30074, "more than 80 % of the weights are in one Linear"
assert work[0] + work[1] > 0.97 * sum(work), "the kernels are few, but used at every place"
bars({label("numbers learnt", zh="要学的数"): list(counts.values()),
      label("multiplications", zh="乘法次数"): work}, list(counts), flat=True)
show("09_weights_and_work")
remember("Convolution: few weights, much work. Fully connected: many weights, little work.",
         zh="卷积:权重少,计算多。全连接:权重多,计算少。")

# %% One picture, all the way | 一张图片走到底
ask("It has not learnt anything yet. What does it see in a 7, and what does it answer?",
    zh="它还什么都没学。它在数字 7 里看到什么?会怎么回答?")
guess = functional.softmax(tensor(layers[-1].output), 1).numpy()[0]
print(", ".join(f"{digit}: {p:.0%}" for digit, p in enumerate(guess)))
maps = [np.block([[output[0, 0], output[0, 1]], [output[0, 2], output[0, 3]]])
        for _, _, output in layers[:4]]  # four maps of each layer
pictures([images.numpy()[0, 0], *maps], [size(shape) for shape in [(1, 28, 28), *shapes[:4]]])
show("09_one_picture")
assert 0.05 < guess.min() < guess.max() < 0.2, "it prefers none: all ten are near 10 %"
remember("The weights are random, so the features are, and so is the answer.",
         zh="权重是随机的,所以特征是随机的,答案也是随机的。")

# %% An untrained network guesses | 没训练的网络在瞎猜
ask("Ten such networks, each with other random weights, read 500 digits. How many are right?",
    zh="十个这样的网络,随机权重各不相同,读 500 个数字,能读对多少?")
accuracies = []
for seed in range(10):
    manual_seed(seed)
    answers = models.create("seed")(images).numpy().argmax(axis=1)
    accuracies.append(np.mean(answers == test.labels[:500]))
print(" ".join(f"{accuracy:.1%}" for accuracy in accuracies))
say(f"On average: {np.mean(accuracies):.1%}", zh=f"平均:{np.mean(accuracies):.1%}")
assert 0.05 < np.mean(accuracies) < 0.15, "of ten digits, a guess hits one time in ten"
remember("The same layers, other numbers: all that a network knows is in its weights.",
         zh="层都一样,数不一样:网络知道的一切,都在权重里。")

# %% Exercises | 练习
check = exercise("9.1", "How many numbers does a Conv2d from 16 to 32 channels with 5x5 learn?",
                 zh="从 16 个通道到 32 个通道、卷积核 5x5 的卷积层要学多少个数?")
# check(0)
check = exercise("9.2", "A picture of 64 x 64 goes through two poolings by 2. How large is it?",
                 zh="64 x 64 的图片经过两次 2x2 池化,高和宽是多少?")
# check([0, 0])
