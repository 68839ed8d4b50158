"""Training: five epochs turn random numbers into a network that reads, and a file keeps it. (90 s)
训练:五轮之后,随机数变成会认字的网络,再存进文件。(90 秒)
"""

# %% The recipe | 配方
import itertools
import json
import struct

import numpy as np
from stage import BLUE, FIGURES, ask, check, fast, new_figure, remember, say, show, words

import tinygrad_mnist as tg

train, test = (tg.datasets.MNIST(train=part, transform=tg.transforms.ToTensor())
               for part in (True, False))
ask("60,000 pictures, batches of 64, five epochs: an epoch is once through all. How many steps?",
    zh="60,000 张图片,每批 64 张,训练五轮,一轮就是全部看一遍。一共走多少步?")
print(f"60000 / 64 = {60000 / 64} -> 938;  938 * 5 = {938 * 5}")
assert len(tg.DataLoader(train, 64)) == 938, "the last batch is only half full, but it counts"
remember("One step for each batch. One epoch for each time through the training set.",
         zh="每批走一步,训练集看完一遍是一轮。")

# %% Five epochs | 五轮
say("Now it trains. With all pictures this takes up to 90 seconds: watch the loss.",
    zh="现在开始训练。用全部图片最多要 90 秒:请看损失。")
if fast():
    train, test = (tg.TensorDataset(*part[:2000]) for part in (train, test))
ask("It begins as a guess: loss log(10) = 2.3, accuracy about 10 %. Where will it end?",
    zh="开始时是瞎猜:损失 log(10) = 2.3,准确率约 10%。最后会到多少?")
tg.manual_seed(0)
model = tg.models.create("seed")
before = tg.functional.cross_entropy(model(train[:500][0]), train[:500][1]).item()
say(f"untrained: loss {before:.3f}", zh=f"训练前:损失 {before:.3f}")


def report(epoch):
    say(f"epoch {epoch.epoch}: loss {epoch.loss:.3f}, accuracy {epoch.test_accuracy:.1%}",
        zh=f"第 {epoch.epoch} 轮:损失 {epoch.loss:.3f},准确率 {epoch.test_accuracy:.1%}")


history = tg.training.fit(
    model, tg.DataLoader(train, 64, shuffle=True, seed=0), tg.optim.SGD(model.parameters(), lr=0.2),
    epochs=5, test=test, workers=tg.team.best_size(64, "cpu"), on_epoch=report)
assert abs(before - np.log(10)) < 0.1, "it began with a guess"
assert history[-1].loss < history[0].loss / 2, "each epoch made it less wrong"
assert history[-1].test_accuracy > (0.7 if fast() else 0.95), "now it reads pictures it never saw"
remember("Predict, loss, gradients, step, and again: that is all that training is.",
         zh="预测、算损失、求梯度、走一步,再来一遍:训练就是这样。")

# %% The curve | 曲线
ask("When does it learn most? Would five more epochs pay?", zh="什么时候学得最多?再训练五轮值得吗?")
losses = [before] + [epoch.loss for epoch in history]
for a, b in itertools.pairwise(losses):
    print(f"{a:.3f} - {b:.3f} = {a - b:.3f}")
assert losses[0] - losses[2] > losses[2] - losses[5], "most is learnt at first"
figure = new_figure(12, 4.5)
left, right = figure.subplots(1, 2)
percent = [100 * epoch.test_accuracy for epoch in history]
for axes, epochs, values, digits, place in ((left, range(6), losses, 2, (20, 8)),
                                            (right, range(1, 6), percent, 1, (0, -26))):
    axes.plot(epochs, values, "o-", color=BLUE, linewidth=4, markersize=10)
    for epoch, value in zip(epochs, values, strict=True):
        axes.annotate(f"{value:.{digits}f}", (epoch, value), place, ha="center",
                      textcoords="offset points", fontsize=14)
    axes.set(xlim=(-0.3, 5.4), xlabel=words("epoch", zh="轮"))
left.set(title=words("loss", zh="损失"), ylim=(0, 2.6))
right.set(title=words("accuracy on the test set, %", zh="测试集准确率 (%)"), ylim=(0, 110))
show(figure, "12_curve")
remember("A training curve falls steeply at first, then slowly. Stop when it lies flat.",
         zh="训练曲线先陡后缓,平了就可以停。")

# %% Eight bytes, some JSON, numbers | 八个字节、一段 JSON、一串数
FIGURES.mkdir(exist_ok=True)
path = FIGURES / "12_my_cnn.safetensors"
tg.save(model, path, {"recipe": "5 epochs, SGD, lr 0.2"})
ask("The trained network is saved. Eight bytes say how long the JSON after them is. And then?",
    zh="训练好的网络存好了。前八个字节是后面那段 JSON 的长度。再后面呢?")
content = path.read_bytes()
(length,) = struct.unpack("<Q", content[:8])
header = json.loads(content[8:8 + length])
print(*content[:8], f"->  {content[0]} + {content[1]}*256 = {length}")
for name, entry in sorted(header.items()):
    print(f"{name:13}", entry if name != "__metadata__" else entry["recipe"])
say(f"8 + {length} + 4*30074 = {8 + length + 4 * 30074}; the file has {len(content)} bytes",
    zh=f"8 + {length} + 4*30074 = {8 + length + 4 * 30074};文件有 {len(content)} 字节")
assert len(content) == 8 + length + 4 * 30074, "four bytes a number, and nothing else"
remember("A trained network is names, shapes and numbers. No program is in the file.",
         zh="训练好的网络就是名字、形状和数。文件里没有程序。")

# %% Back from the bytes | 从字节变回来
start, end = header["7.bias"]["data_offsets"]
bias = struct.unpack("<10f", content[8 + length:][start:end])
ask("The header says where the last ten biases lie. Are they the same as in the network?",
    zh="文件头写着最后十个偏置在哪里。它们和网络里的一样吗?")
print("content[...]: ", *(f"{value:.3f}" for value in bias))
print("model[7].bias:", *(f"{value:.3f}" for value in model[7].bias.numpy()))
assert np.array_equal(np.float32(bias), model[7].bias.numpy()), "the same numbers, to the last bit"
again = tg.models.load(path)
assert np.array_equal(again(test[:9][0]), model(test[:9][0])), "so it gives the same answers"
remember("Saving loses nothing: the file is the network.", zh="存取不丢任何东西:文件就是网络。")

# %% Exercises | 练习
say("1. How many steps are three epochs of 60,000 pictures in batches of 100?",
    zh="1. 60,000 张图片,每批 100 张,训练三轮,一共多少步?")
# check("12.1", 0)
say("2. How many bytes do the numbers of a fully connected layer from 784 to 10 take?",
    zh="2. 从 784 到 10 的全连接层,它的数在文件里占多少字节?")
# check("12.2", 0)
assert check("12.2", 4 * (784 * 10 + 10)), "the answers can be checked"
