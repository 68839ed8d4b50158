"""Other families: a network that reads row by row, and a pair of which one learns to forge. (30 s)
别的网络家族:一行一行读的网络,和一对互相较量的网络。(30 秒)
"""

# %% One step of memory, by hand | 手算一步记忆
import numpy as np
from stage import GREY, RED, ask, check, fast, new_figure, remember, say, show, words

import tinygrad_mnist as tg
from tinygrad_mnist import functional, nn, optim

ask("A network keeps h = 0.5 and reads x = 2; its weights are 0.8 and 0.3. What is kept next?",
    zh="网络记着 h = 0.5,读到 x = 2,权重是 0.8 和 0.3。接下来它记住什么?")
W, U, x, h = 0.3, 0.8, 2, 0.5
print(f"tanh(W x + U h) = tanh({W} * {x} + {U} * {h}) = tanh(1.0) = {np.tanh(1):.2f}")
assert np.isclose(tg.tensor(W * x + U * h).tanh().item(), np.tanh(1)), "new and old, weighed"
remember("Memory is a number that is mixed with what comes in, again and again.",
         zh="记忆就是一个数,不断和新读到的内容混合。")

# %% Read a digit row by row | 一行一行地读数字
ask("A picture is 28 rows of 28 numbers. With 48 numbers of memory, how many weights and biases?",
    zh="一张图片是 28 行,每行 28 个数。记忆有 48 个数,一共多少权重和偏置?")
class Reader(nn.Module):
    def __init__(self, hidden=48):
        self.reads = nn.Linear(28, hidden)
        self.remembers = nn.Linear(hidden, hidden, bias=False)
        self.remembers.weight.data[...] = np.eye(hidden)  # at first, keep everything
        self.answers = nn.Linear(hidden, 10)

    def forward(self, pictures, rows=28):
        memory = self.reads(pictures[:, 0, 0]).tanh()                        # (N, 28) -> (N, 48)
        for row in range(1, rows):
            memory = (self.reads(pictures[:, 0, row]) + self.remembers(memory)).tanh()
        return self.answers(memory)                                          # (N, 48) -> (N, 10)

tg.manual_seed(0)
reader, some = Reader(), slice(12000 if fast() else 24000)
print(f"48*28 + 48 + 48*48 + 10*48 + 10 = {tg.models.count_parameters(reader):,}")
data, test = tg.datasets.MNIST(), tg.datasets.MNIST(train=False, transform=tg.transforms.ToTensor())
known = tg.TensorDataset(tg.transforms.ToTensor()(data.images[some]), data.labels[some])
optimizer = optim.Adam(reader.parameters(), lr=0.003)
tg.training.fit(reader, tg.DataLoader(known, 64, shuffle=True), optimizer, epochs=3)
accuracy = tg.training.evaluate(reader, test).accuracy
say(f"Accuracy on the test set {accuracy:.0%}: not bad, but convolutions do better.",
    zh=f"测试集准确率 {accuracy:.0%}:不错,但卷积做得更好。")
assert accuracy > 0.6, "one small layer, used 28 times over, has learnt to read"
remember("A recurrent network uses the same weights at each step: 28 layers deep, one to learn.",
         zh="循环网络每一步用同样的权重:有 28 层深,要学的只有一层。")

# %% When does it know? | 它什么时候知道答案?
ask("It reads a 7 from the top. When does it know?", zh="它从上往下读一个 7,何时知道?")
seven = test[0][0][None]
belief = np.array([functional.softmax(reader(seven, rows), 1).numpy()[0]
                   for rows in range(1, 29)])                                # (28, 10)
figure = new_figure(12, 5)
left, right = figure.subplots(1, 2, width_ratios=[1, 2], sharey=True)
left.imshow(seven.numpy()[0, 0], aspect="auto")
left.set(xticks=[], ylabel=words("rows read", zh="读过的行数"))
right.plot(belief, range(28), linewidth=2, color=GREY, alpha=0.5)
right.plot(belief[:, 7], range(28), linewidth=5, color=RED)
right.set(xticks=[0, 1], title=words("how sure of a 7 (grey: others)", zh="是 7 的把握(灰色:其他)"))
show(figure, "18_rows")
assert belief[-1, 7] > belief[0, 7], "blank rows tell nothing; the answer is worth most at the end"
remember("It was asked only after the last row, so only that answer was learnt.",
         zh="训练时只在最后一行之后提问,所以只有那时的回答是学过的。")

# %% A forger and a detective | 造假者和侦探
ask("One network forges 3s, one tells them from real ones. When is the forger perfect?",
    zh="一个网络伪造 3,另一个网络分辨真假。造假者什么时候算完美?")
tg.manual_seed(1)
rng, N = np.random.default_rng(1), 64
real = (data.images[data.labels == 3].reshape(-1, 784) / 255).astype(np.float32)
forger = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid())
detective = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 2))  # forged, real

def descend(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

forging, catching = (optim.Adam(each.parameters(), lr=0.001, betas=(0.5, 0.999))
                     for each in (forger, detective))
chances = tg.tensor(rng.standard_normal((200, 16)), np.float32)
shown = [real[:12], forger(chances).numpy()]
for _ in range(600 if fast() else 1500):
    forged = forger(tg.tensor(rng.standard_normal((N, 16)), np.float32))
    seen = tg.Tensor(real[rng.integers(len(real), size=N)])
    descend(catching, functional.cross_entropy(detective(seen), np.ones(N, int))
            + functional.cross_entropy(detective(forged.detach()), np.zeros(N, int)))
    descend(forging, functional.cross_entropy(detective(forged), np.ones(N, int)))
shown.append(forger(chances).numpy())
found = [(detective(tg.Tensor(each)).numpy().argmax(1) == label).mean()
         for each, label in ((real[:200], 1), (shown[-1], 0))]
say(f"The detective is right on {found[0]:.0%} of the real and {found[1]:.0%} of the forged.",
    zh=f"侦探认出 {found[0]:.0%} 的真品和 {found[1]:.0%} 的赝品。")
assert np.mean(found) > 0.5, "better than a coin: the forger is not perfect yet"
remember("Perfect is 50 %: the detective tosses a coin.", zh="完美时是 50 %:侦探只能抛硬币。")

# %% How good are the forgeries? | 赝品有多像?
ask("Which row is real? Are the forgeries all different?", zh="哪一行是真的?赝品各不相同吗?")
figure = new_figure(14, 4.2)
for axes, pictures in zip(figure.subplots(3, 1), shown, strict=True):
    axes.imshow(np.hstack(pictures[:12].reshape(12, 28, 28)), vmin=0, vmax=1)
    axes.set_axis_off()
show(figure, "18_forged")
variety = shown[-1].std(axis=0).mean() / real.std(axis=0).mean()
say(f"They differ from one another {variety:.0%} as much as real ones do.",
    zh=f"它们彼此的差别是真品的 {variety:.0%}。")
before, after = (((each - real.mean(axis=0)) ** 2).mean() for each in shown[1:])
assert after < before / 2, "from grey noise to something like a 3"
remember("A GAN is hard: two learn at once, and the forger may draw one and the same 3 for ever.",
         zh="GAN 很难训练:两个网络同时学,造假者可能永远只画同一个 3。")

# %% Exercises | 练习
say("1. 28 in, 48 of memory, 10 out: how many learnt?", zh="1. 输入 28,记忆 48,输出 10:学几个数?")
# check("18.1", 0)
say("2. Each step keeps half of the memory. How much of the first row is left after 5 steps?",
    zh="2. 每一步保留一半记忆,5 步之后第一行还剩多少?")
# check("18.2", 0)
assert check("18.2", 0.5 ** 5), "a half of a half of a half: recurrent networks forget"
