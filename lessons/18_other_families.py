"""Other families: a network that reads row by row, and a pair of which one learns to forge. (10 s)
别的网络家族:一行一行读的网络,和一对互相较量的网络。(10 秒)
"""

# %% One step of memory, by hand | 手算一步记忆
import numpy as np
from board import pictures, show
from stage import ask, exercise, fast, remember, train, words

import tinygrad_mnist as tg
from tinygrad_mnist import nn, optim

ask("A network keeps h = 0.5 and reads x = 2; its weights are 0.8 and 0.3. What is kept next?",
    zh="网络记着 h = 0.5,读到 x = 2,权重是 0.8 和 0.3。接下来它记住什么?")
print(f"tanh(W*x + U*h) = tanh(0.3*2 + 0.8*0.5) = tanh(1.0) = {np.tanh(1):.2f}")
assert np.isclose(0.3 * 2 + 0.8 * 0.5, 1), "the new and the old, each weighed"
remember("Memory is a number, mixed with what comes in.", zh="记忆就是一个数,不断混入新内容。")

# %% Read a digit row by row | 一行一行地读数字
class Reader(nn.Module):
    def __init__(self, hidden=48):
        self.reads = nn.Linear(28, hidden)
        self.remembers = nn.Linear(hidden, hidden, bias=False)
        self.remembers.weight.data[...] = np.eye(hidden)  # at first, keep everything
        self.answers = nn.Linear(hidden, 10)

    def forward(self, pictures):
        memory = self.reads(pictures[:, 0, 0]).tanh()                        # (N, 28) -> (N, 48)
        for row in range(1, 28):
            memory = (self.reads(pictures[:, 0, row]) + self.remembers(memory)).tanh()
        return self.answers(memory)                                          # (N, 48) -> (N, 10)

ask("A picture is 28 rows of 28 numbers. With 48 numbers of memory, how many weights and biases?",
    zh="一张图片是 28 行,每行 28 个数。记忆有 48 个数,一共多少权重和偏置?")
tg.manual_seed(0)
reader = Reader()
print(f"48*28 + 48 + 48*48 + 10*48 + 10 = {tg.models.count_parameters(reader):,}")
known = tg.datasets.MNIST(transform=tg.transforms.ToTensor())
train(reader, tg.TensorDataset(*known[:12000 if fast() else 24000]),
      optim.Adam(reader.parameters(), lr=0.003), epochs=3)
accuracy = tg.training.evaluate(reader, tg.TensorDataset(*known[50000:])).accuracy
print(words("accuracy on 10,000 new ones", zh="10,000 张新图片上的准确率"), f"{accuracy:.0%}")
assert accuracy > 0.6, "one small layer, used 28 times over, has learnt to read"
remember("Recurrent: the same weights at each step.", zh="循环网络:每一步用同样的权重。")

# %% A forger and a detective | 造假者和侦探
ask("One network forges 3s, one tells them from real ones. When is the forger perfect?",
    zh="一个网络伪造 3,另一个网络分辨真假。造假者什么时候算完美?")
draw = np.random.default_rng(1)
real = known[np.flatnonzero(known.labels == 3)][0].reshape(-1, 784).numpy()
forger = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid())
detective = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 2))  # forged, real
forging = optim.Adam(forger.parameters(), betas=(0.5, 0.999))
catching = optim.Adam(detective.parameters(), betas=(0.5, 0.999))

def improve(optimizer, pictures, labels):
    optimizer.zero_grad()
    tg.functional.cross_entropy(detective(pictures), labels).backward()
    optimizer.step()

chances = tg.tensor(draw.standard_normal((200, 16)), np.float32)
before = forger(chances).numpy()
for _ in range(600 if fast() else 1500):
    forged = forger(tg.tensor(draw.standard_normal((64, 16)), np.float32))
    seen = np.concatenate([real[draw.integers(len(real), size=64)], forged.numpy()])
    improve(catching, tg.Tensor(seen), np.repeat([1, 0], 64))
    improve(forging, forged, np.ones(64, int))
after = forger(chances).numpy()
found = [np.mean(detective(tg.Tensor(each)).numpy().argmax(axis=1) == label)
         for each, label in ((real[:200], 1), (after, 0))]
print(words("found, real and forged", zh="认出的真品和赝品"), *(f"{each:.0%}" for each in found))
assert np.mean(found) > 0.5, "better than a coin: the forger is not perfect yet"
remember("Perfect is 50 %: the detective tosses a coin.", zh="完美时是 50 %:侦探只能抛硬币。")

# %% How good are the forgeries? | 赝品有多像?
ask("Which row is real? How far is each from the mean 3?", zh="哪一行是真的?每行离平均的 3 有多远?")
rows = (real, before, after)
pictures([each.reshape(28, 28) for row in rows for each in row[:10]], rows=3, width=1.4)
show("18_forged")
far = [((row - real.mean(axis=0)) ** 2).mean() for row in rows]
print(" ".join(f"{each:.3f}" for each in far))
assert far[2] < far[1] / 2, "from grey noise to something like a 3"
remember("A GAN is hard: two learn at once.", zh="GAN 很难训练:两个网络同时在学。")

# %% Exercises | 练习
check = exercise("18.1", "28 in, 64 of memory, 10 out: how many weights and biases?",
                 zh="输入 28,记忆 64,输出 10:一共多少权重和偏置?")
# check(0)
check = exercise("18.2", "Each step keeps half. After 4 steps?", zh="每步留一半,4 步后还剩多少?")
# check(0)
