"""Why a GPU: networks are matrix products, and chips differ a millionfold in doing them. (2 s)
为什么用 GPU:网络就是矩阵乘法,做乘法的快慢可以差上百万倍。(2 秒)
"""

# %% By hand: three loops | 手工:三重循环
import timeit

import numpy as np
from board import bars, label, show
from stage import ask, exercise, remember, say
from threadpoolctl import threadpool_limits

import tinygrad_mnist as tg
from tinygrad_mnist.team import cores

rates = {}

def measure(name, operations, work):  # in billions a second, the fastest of twenty runs
    rate = operations / min(timeit.repeat(work, number=1, repeat=20)) / 1e9
    rates[name] = float(f"{rate:.2g}")
    say(f"{name}: {rates[name]:,g} billion operations a second",
        zh=f"{name}:每秒 {10 * rates[name]:,g} 亿次运算")

def product(a, b):
    return [[sum(x * y for x, y in zip(row, column, strict=True))
             for column in zip(*b, strict=True)] for row in a]

ask("Two matrices of 100 x 100: how many multiplications and additions has their product?",
    zh="两个 100 x 100 的矩阵相乘,要做多少次乘法和加法?")
print(f"100 * 100 * 100 * 2 = 2 * 100**3 = {2 * 100**3:,}")
a, b = np.random.default_rng(0).random((2, 100, 100), dtype=np.float32)
measure("Python", 2 * 100**3, lambda: product(a.tolist(), b.tolist()))
assert np.allclose(product(a.tolist(), b.tolist()), a @ b, rtol=1e-4), "the same sums as a @ b"
remember("A product of n x n matrices is 2 n^3 operations.", zh="n x n 矩阵相乘要 2 n^3 次运算。")

# %% NumPy, on one core and on all | NumPy:一个核心和所有核心
ask("The same by NumPy: ten times faster, a hundred, more?", zh="换成 NumPy,快十倍、百倍,还是更多?")
big = np.random.default_rng(0).random((400, 400), dtype=np.float32)
for threads in (1, cores()):
    with threadpool_limits(threads, user_api="blas"):
        measure(f"NumPy, {threads}", 2 * 400**3, lambda: big @ big)
assert rates["NumPy, 1"] > 20 * rates["Python"], "one core does many numbers at once"
remember("One instruction, several numbers: that is NumPy.", zh="一条指令算好几个数:这就是 NumPy。")

# %% Work for each number fetched | 每取一个数,做多少运算
ask("A sum of two matrices is just as simple for a chip. Why is it so much slower?",
    zh="两个矩阵相加对芯片来说同样简单,为什么每秒运算却少得多?")
for n in (10, 100, 1000, 10000):
    print(f"2 * {n}**3 / (3 * {n}**2) = {2 * n**3:,} / {3 * n**2:,} = {2 * n / 3:,.0f}")
pile, out = np.ones((2, 10_000_000), np.float32)
measure("NumPy, a + b", len(pile), lambda: np.add(pile, pile, out=out))
assert 3 * rates["NumPy, a + b"] < rates["NumPy, 1"], "3 numbers for 1 sum: it waits for memory"
remember("To fetch a number costs more than to compute.", zh="取一个数比算一次更费时间。")

# %% What the chip is good at | 这种芯片擅长什么
ask("An H100 does 67 trillion operations a second, and fetches 3.35 / 4 trillion numbers. Which n "
    "ends the wait?", zh="H100 每秒做 67 万亿次运算,取 3.35 / 4 万亿个数。n 要多大才不用等内存?")
wanted = 67 / (3.35 / 4)
print(f"67 / (3.35 / 4) = {wanted:.0f} = 2 n / 3  ->  n = {wanted * 3 / 2:.0f}")
rates[label("H100 (data sheet)", zh="H100(厂商数据)")] = 67_000
bars({label("billion operations a second", zh="每秒运算次数,单位十亿"): list(rates.values())},
     list(rates), "{:,g}", flat=True, xscale="log", xlim=(1e-3, 1e6))
show("16_rates")
assert 1000 * rates["Python"] < 67_000, "from loops to the chip it is a long way"
remember("A GPU is thousands of small workers and a wide road to memory. Give it large products.",
         zh="GPU 是成千上万个小工人,加一条通向内存的宽路。要给它大的矩阵乘法。")

# %% The same lines on it | 同样的代码在 GPU 上
ask("What must change in a program for a GPU?", zh="要让程序在 GPU 上运行,需要改什么?")
device = "cuda" if tg.cuda.is_available() else "cpu"
if device == "cpu":
    say(f"There is none here, so it is the CPU this time. CuPy says: “{tg.cuda.why_not()}”",
        zh=f"这里没有 GPU,所以这次还用 CPU。CuPy 的原话:“{tg.cuda.why_not()}”")
tg.manual_seed(0)
model, losses = tg.models.create("seed"), {}
pictures = np.random.default_rng(0).random((512, 1, 28, 28))
for place in dict.fromkeys(("cpu", device)):
    answers = model.to(place)(tg.tensor(pictures, np.float32, place))
    losses[place] = tg.functional.cross_entropy(answers, np.arange(512) % 10).item()
    print(f"{place}: {losses[place]:.4f}")
assert abs(losses["cpu"] - losses[device]) < 1e-3, "the same numbers, wherever they are computed"
remember("Move the model and the batches there: no more.", zh="把模型和每批数据搬过去就行。")

# %% Exercises | 练习
check = exercise("16.1", "How many operations has the product of two 200 x 200 matrices?",
                 zh="两个 200 x 200 的矩阵相乘,一共多少次运算?")
# check(0)
check = exercise("16.2", "How many operations does a product of 150 x 150 do for each number?",
                 zh="150 x 150 的矩阵相乘,平均每个数做多少次运算?")
# check(0)
