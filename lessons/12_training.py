"""Training: five epochs turn random numbers into a network that reads, and a file keeps it. (40 s)
训练:五轮之后,随机数变成会认字的网络,再存进文件。(40 秒)
"""

# %% The recipe | 配方
import itertools
import json
import struct

import numpy as np
from board import FIGURES, curves, label, show
from stage import ask, exercise, fast, remember, say

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
if fast():
    train, test = (tg.TensorDataset(*part[:2000]) for part in (train, test))
ask("Now it trains, up to 90 seconds. It begins as a guess: loss log(10) = 2.3. Where does it end?",
    zh="现在开始训练,最多 90 秒。开始时是瞎猜:损失 log(10) = 2.3。最后会到多少?")
tg.manual_seed(0)
model = tg.models.create("seed")
before = tg.functional.cross_entropy(model(train[:500][0]), train[:500][1]).item()

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
print(*(f"{a:.3f} - {b:.3f} = {a - b:.3f}" for a, b in itertools.pairwise(losses)), sep="\n")
assert losses[0] - losses[2] > losses[2] - losses[5], "most is learnt at first"
curves({"": losses}, label("epoch", zh="轮"), label("loss", zh="损失"), ylim=(0, 3), form="{:.2f}")
show("12_curve")
remember("A training curve falls steeply at first, then slowly. Stop when it lies flat.",
         zh="训练曲线先陡后缓,平了就可以停。")

# %% Eight bytes, some JSON, numbers | 八个字节、一段 JSON、一串数
ask("The trained network is saved. Eight bytes say how long the JSON after them is. And then?",
    zh="训练好的网络存好了。前八个字节是后面那段 JSON 的长度。再后面呢?")
path = FIGURES / "12_my_cnn.safetensors"
tg.save(model, path, {"recipe": "5 epochs, SGD, lr 0.2"})
content = path.read_bytes()
(length,) = struct.unpack("<Q", content[:8])
header = json.loads(content[8:8 + length])
print(*content[:8], f"->  {content[0]} + {content[1]}*256 = {length}")
for name, entry in sorted(header.items()):
    print(f"{name:13}", entry if name != "__metadata__" else entry["recipe"])
print(f"8 + {length} + 4*30074 = {8 + length + 4 * 30074}")
assert len(content) == 8 + length + 4 * 30074, "four bytes a number, and nothing else"
remember("A trained network is names, shapes and numbers. No program is in the file.",
         zh="训练好的网络就是名字、形状和数。文件里没有程序。")

# %% Back from the bytes | 从字节变回来
ask("The header says where the last ten biases lie. Are they the same as in the network?",
    zh="文件头写着最后十个偏置在哪里。它们和网络里的一样吗?")
start, end = header["7.bias"]["data_offsets"]
bias = struct.unpack("<10f", content[8 + length:][start:end])
print("content[...]:", *(f"{value:.3f}" for value in bias))
assert np.array_equal(np.float32(bias), model[7].bias.numpy()), "the same numbers, to the last bit"
again = tg.models.load(path)
assert np.array_equal(again(test[:9][0]), model(test[:9][0])), "so it gives the same answers"
remember("Saving loses nothing: the file is the network.", zh="存取不丢任何东西:文件就是网络。")

# %% Exercises | 练习
check = exercise("12.1", "How many steps are three epochs of 60,000 in batches of 100?",
                 zh="60,000 张图片,每批 100 张,训练三轮,一共多少步?")
# check(0)
check = exercise("12.2", "How many bytes do the numbers of a fully connected 784 to 10 take?",
                 zh="从 784 到 10 的全连接层,它的数在文件里占多少字节?")
# check(0)
