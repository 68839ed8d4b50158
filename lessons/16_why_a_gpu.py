"""Why a GPU: networks are matrix products, and chips differ a millionfold in doing them. (10 s)
为什么用 GPU:网络就是矩阵乘法,做乘法的快慢可以差上百万倍。(10 秒)
"""

# %% By hand: three loops | 手工:三重循环
import timeit

import numpy as np
from stage import BLUE, GREY, ask, check, fast, new_figure, remember, say, show, words
from threadpoolctl import threadpool_limits

import tinygrad_mnist as tg
from tinygrad_mnist.team import cores


def best_seconds(work):
    """The time of the fastest of several runs."""
    return min(timeit.repeat(work, number=1, repeat=5))

def product(a, b):
    """Rows of a times columns of b, number by number."""
    return [[sum(x * y for x, y in zip(row, column, strict=True))
             for column in zip(*b, strict=True)] for row in a]

ask("Two matrices of 100 x 100: how many multiplications and additions has their product?",
    zh="两个 100 x 100 的矩阵相乘,要做多少次乘法和加法?")
print(f"100 * 100 places, each 100 products and sums: 2 * 100**3 = {2 * 100**3:,}")
a, b = np.random.default_rng(0).random((2, 100, 100), dtype=np.float32)
rows_a, rows_b = a.tolist(), b.tolist()
rates = {"Python": 2 * 100**3 / best_seconds(lambda: product(rows_a, rows_b))}
say(f"Python loops: about {rates['Python'] / 1e6:.0f} million operations a second.",
    zh=f"Python 循环:每秒约 {rates['Python'] / 1e4:.0f} 万次运算。")
assert np.allclose(product(rows_a, rows_b), a @ b, rtol=1e-4), "the sums are those of a @ b"
remember("A product of n x n matrices is 2 n^3 operations.", zh="n x n 矩阵相乘要 2 n^3 次运算。")

# %% NumPy, on one core and on all | NumPy:一个核心和所有核心
ask("The same sums by NumPy: ten times faster, a hundred times, or more?",
    zh="同样的运算交给 NumPy:快十倍、一百倍,还是更多?")
n = 500 if fast() else 1500
big = np.random.default_rng(0).random((n, n), dtype=np.float32)
for name, threads in (("NumPy, 1", 1), (f"NumPy, {cores()}", cores())):
    with threadpool_limits(threads, user_api="blas"):
        rates[name] = 2 * n**3 / best_seconds(lambda: big @ big)
    say(f"{name} core(s): about {rates[name] / 1e9:.0f} billion operations a second.",
        zh=f"{name} 个核心:每秒约 {rates[name] / 1e8:.0f} 亿次运算。")
assert rates["NumPy, 1"] > 20 * rates["Python"], "one core does many numbers at once"
remember("One instruction for several numbers, and numbers kept near: that is NumPy.",
         zh="一条指令算好几个数,数据放在近处:这就是 NumPy 快的原因。")

# %% Work for each number fetched | 每取一个数,做多少运算
ask("A sum of two matrices is just as simple for a chip. Why is it so much slower?",
    zh="两个矩阵相加对芯片来说同样简单,为什么每秒运算却少得多?")
print("      n     2 n^3 operations   3 n^2 numbers   operations for each number")
for size in (10, 100, 1000, 10000):
    print(f"{size:7,} {2 * size**3:20,} {3 * size**2:15,} {2 * size**3 / (3 * size**2):12,.0f}")
pile, out = np.ones((2, 10_000_000), np.float32)
rates["NumPy, a + b"] = added = len(pile) / best_seconds(lambda: np.add(pile, pile, out=out))
say(f"The sum has 1 operation for 3 numbers: {added / 1e9:.1f} billion a second.",
    zh=f"相加时 3 个数才做 1 次运算:每秒 {added / 1e8:.0f} 亿次。")
assert 3 * added < rates["NumPy, 1"], "a sum waits for memory; a product uses each number n times"
remember("To fetch a number costs more than to compute with it. A product uses each 2n/3 times.",
         zh="取一个数比算一次更费时间。矩阵乘法里,平均每个数要用 2n/3 次。")

# %% What the chip is good at | 这种芯片擅长什么
ask("An NVIDIA H100 does 67 trillion float32 operations a second, and fetches 3.35 trillion bytes. "
    "How large must n be to keep it busy?",
    zh="NVIDIA H100 每秒做 67 万亿次 float32 运算,取 3.35 万亿字节。n 要多大它才不会闲着?")
wanted = 67e12 / (3.35e12 / 4)
print(f"67 / (3.35 / 4) = {wanted:.0f} operations for each number of 4 bytes: 2 n / 3 = "
      f"{wanted:.0f}, so n = {wanted * 3 / 2:.0f}")
rates["H100"] = 67e12
figure = new_figure(11, 4.6)
axes = figure.subplots()
names, values = zip(*sorted(rates.items(), key=lambda pair: pair[1]), strict=True)
bars = axes.barh(names, values, color=[*[BLUE] * (len(names) - 1), GREY])
axes.bar_label(bars, [f"{float(f'{value / 1e9:.2g}'):,g}" for value in values], padding=6)
axes.set(xscale="log", xlim=(1e6, 1e15), xticks=[], title=words(
    "billion operations a second (grey: data sheet)", zh="每秒运算次数,单位十亿(灰色:厂商数据)"))
axes.minorticks_off()
axes.spines["bottom"].set_visible(False)
show(figure, "16_rates")
assert round(wanted) == 80, "67 trillion operations, 0.8375 trillion numbers a second"
assert values[-1] > 1000 * rates["Python"], "from loops to the chip it is a long way"
remember("A GPU is thousands of small workers and a wide road to memory. Give it large products.",
         zh="GPU 是成千上万个小工人,加一条通向内存的宽路。要给它大的矩阵乘法。")

# %% The same lines on it | 同样的代码在 GPU 上
ask("What must change in a program that is to run on a GPU?",
    zh="要让程序在 GPU 上运行,需要改什么?")
device = "cuda" if tg.cuda.is_available() else "cpu"
if device == "cpu":
    say(f"No GPU here: {tg.cuda.why_not()}. So it is the CPU this time.",
        zh=f"这里没有 GPU,原因:{tg.cuda.why_not()}。所以这次还用 CPU。")
tg.manual_seed(0)
model = tg.models.create("seed")
pictures, labels = np.random.default_rng(0).random((512, 1, 28, 28)), np.arange(512) % 10

def step(device):
    """Forward and backward; item() waits until the GPU has finished."""
    model.to(device).zero_grad()
    loss = tg.functional.cross_entropy(model(tg.tensor(pictures, np.float32, device)),
                                    tg.tensor(labels, device=device))
    loss.backward()
    return loss.item()

losses = {name: step(name) for name in ("cpu", device)}
seconds = {name: best_seconds(lambda name=name: step(name)) for name in losses}
print({name: f"loss {losses[name]:.4f}, {1e3 * seconds[name]:.0f} ms" for name in losses})
assert abs(losses["cpu"] - losses[device]) < 1e-3, "the same numbers, wherever they are computed"
remember("model.to(\"cuda\"), and the batches too. Nothing else: CuPy answers to NumPy's names.",
         zh="model.to(\"cuda\"),每一批数据也一样。别的都不用改:CuPy 用的是 NumPy 的名字。")

# %% Exercises | 练习
say("1. How many operations has the product of two 100 x 100 matrices?",
    zh="1. 两个 100 x 100 的矩阵相乘,一共多少次运算?")
# check("16.1", 0)
say("2. How many operations does a product of 120 x 120 matrices do for each number?",
    zh="2. 120 x 120 的矩阵相乘,平均每个数做多少次运算?")
# check("16.2", 0)
assert check("16.2", 2 * 120**3 / (3 * 120**2)), "2 n^3 over 3 n^2 is 2 n / 3"
