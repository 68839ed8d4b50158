"""Many machines, one model: each takes a share of the batch, and they add up gradients. (6 s)
多台机器训练一个模型:每台算一批里的一份,再把梯度加起来。(6 秒)
"""

# %% A batch in shares | 一批分成几份
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from timeit import repeat

import numpy as np
from stage import ask, exercise, remember, words

import tinygrad_mnist as tg
from tinygrad_mnist import mpi

ask("Gradients of 2, 4, 6 and 8: one machine has the first, another the rest. And the batch?",
    zh="四个例子的梯度是 2、4、6、8。一台机器算第一个,另一台算其余的。这一批的梯度是多少?")
print("(2 + 4 + 6 + 8) / 4 = 1/4 * 2 + 3/4 * (4 + 6 + 8) / 3 =", (2 + 4 + 6 + 8) / 4)
assert 1 / 4 * 2 + 3 / 4 * 6 == 5 != (2 + 6) / 2, "who has three examples counts three times"
remember("Weigh each gradient by its share, and add up.", zh="每份梯度乘以它的比例,再相加。")

# %% The talk's network | 演讲里的网络
def gradient(start, end):  # of these pictures, in one row
    pictures, labels = data[np.arange(start, end)]
    model.zero_grad()
    tg.functional.cross_entropy(model(pictures), tg.tensor(labels)).backward()
    return np.concatenate([weight.grad.numpy().ravel() for weight in model.parameters()])

data = tg.datasets.MNIST(transform=tg.transforms.ToTensor())
tg.manual_seed(0)
model = tg.models.create("seed")
ask("10 pictures for 4 machines: 2, 3, 2, 3. Is the sum of their gradients that of the batch?",
    zh="10 张图片分给 4 台机器:2、3、2、3 张。梯度之和与整批的完全一样吗?")
whole = gradient(0, 10)
off = np.abs(whole - sum((b - a) / 10 * gradient(a, b) for a, b in pairwise([0, 2, 5, 7, 10])))
print(f"{len(whole):,}: {off.max():.0e} / {np.abs(whole).max():.2f}")
assert off.max() < 1e-5, "the same sums, only added in another order"
remember("The same model, but for rounding.", zh="得到同样的模型,只差舍入误差。")

# %% In a ring | 围成一圈
ask("Four machines have a row each, and all want the sum. How much must each send, all alike?",
    zh="每台机器有一行数,大家都要它们的和。四台机器,谁也不多做,每台要发多少?")
rows = [10.0**rank * np.arange(1, 5) for rank in range(4)]
for step in range(6):  # each hands a piece to the right: three times to add, three to pass on
    handed = [rows[rank][(rank - step) % 4] for rank in range(4)]
    for rank, number in enumerate(handed):
        row, piece = rows[(rank + 1) % 4], (rank - step) % 4
        row[piece] = number + (row[piece] if step < 3 else 0)
    print(f"{step + 1}/4 ", *(" ".join(f"{number:4.0f}" for number in row) for row in rows))
assert all((row == 1111 * np.arange(1, 5)).all() for row in rows), "each has all four sums"
remember("Six quarters of a row; of n machines, 2 (n - 1) / n rows. MPI calls it Allreduce.",
         zh="每台发六个四分之一行;n 台就是 2 (n - 1) / n 行。MPI 把它叫 Allreduce。")

# %% What it costs, what it saves | 花多少,省多少
ask("Milliseconds of work + of messages, by machines. Work gets less: do the messages, too?",
    zh="按机器数看,计算的毫秒 + 消息的毫秒。机器越多,每台的活越少。消息也会变少吗?")
work, size = min(repeat(lambda: gradient(0, 64), number=1, repeat=5)), whole.nbytes
for name, latency, speed in ((words("one machine", zh="一台机器内"), 2e-6, 5e9),
                             (words("a 1 Gbit/s cable", zh="1 Gbit/s 的网线"), 50e-6, 125e6)):
    times = {n: 2 * (n - 1) * (latency + size / n / speed) for n in (1, 2, 4, 16)}
    told = ", ".join(f"{n}: {1e3 * work / n:.1f} + {1e3 * time:.1f}" for n, time in times.items())
    print(f"{name}, {size:,} B: {told}")
assert times[16] > times[2] > size / 125e6, "and the more machines, the more messages"
remember("Work is divided, messages are not.", zh="活可以分,消息不能分。")

# %% Really two | 真的用两个
ask("Two processes train and exchange nothing but gradients. Are the weights those of one?",
    zh="两个进程一起训练,只交换梯度。得到的权重和一个进程的一样吗?")
train = [sys.executable, "-m", "tinygrad_mnist", "train", "--model", "linear", "--epochs", "1"]
two = [mpi.mpiexec(), "-n", "2", *train] if mpi.mpiexec() else [*train, "--workers", "2"]  # a fork
with TemporaryDirectory() as folder:
    for command, name in ([*train, "--workers", "1"], "one"), (two, "two"):
        print(*(Path(word).name for word in command))
        subprocess.run([*command, "--out", Path(folder, name)], check=True, capture_output=True,
                       cwd=Path(tg.__file__).parents[1])
    a, b = (tg.load(Path(folder, name))["1.weight"].numpy() for name in ("one", "two"))
print(f"{a[3, 400]:.6f} {b[3, 400]:.6f} +- {np.abs(a - b).max():.0e}")
assert np.abs(a - b).max() < 1e-4, "937 steps later they are still the same, but for rounding"
remember("All began alike and made the same steps.", zh="起点一样,每一步也一样。")

# %% Exercises | 练习
check = exercise("19.1", "3 pictures have the mean gradient 4, another has 8. And the batch?",
                 zh="一台机器有 3 张图片,梯度是 4;另一台有 1 张,梯度是 8。这一批的梯度是多少?")
# check(0)
check = exercise("19.2", "Five machines in a ring, rows of 1,000 bytes. What does each send?",
                 zh="五台机器围成一圈,每行 1,000 字节。每台发多少字节?")
# check(0)
