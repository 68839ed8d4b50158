"""Optimiser: it walks the weights downhill, and the learning rate is how long its steps are. (2 s)
优化器:带着权重往下坡走,学习率决定步子多大。(2 秒)
"""

# %% One step by hand | 手算一步
import numpy as np
from board import curves, label, show, valley
from stage import ask, exercise, remember, say, train

import tinygrad_mnist as tg

ask("The loss is (w - 3)**2, and w is 0. Its gradient is 2 * (w - 3). Where does one step lead?",
    zh="损失 (w - 3)**2,梯度 2*(w - 3),w 是 0。走一步到哪里?")
w = tg.tensor(np.array([0.0]), requires_grad=True)
optimizer = tg.optim.SGD([w], lr=0.2)
((w - 3) ** 2).sum().backward()
optimizer.step()
print(f"w.grad = 2*(0 - 3) = {w.grad.item():.0f};  w - lr * w.grad = 0 - 0.2*-6 = {w.item():.1f}")
assert np.isclose(w.item(), 0 - 0.2 * 2 * (0 - 3)), "that line is all that SGD does"
remember("The gradient points uphill. So: new = old - learning rate * gradient.",
         zh="梯度指向上坡。所以:新的 = 旧的 - 学习率 * 梯度。")

# %% 0.002, 0.2 and 20 | 0.002、0.2 和 20
def walk(loss, start, steps, **options):
    w = tg.tensor(np.array(start), requires_grad=True)
    optimizer, places = tg.optim.SGD([w], **options), [np.array(start)]
    for _ in range(steps):
        optimizer.zero_grad()
        loss(w).backward()
        optimizer.step()
        places.append(w.numpy().copy())
    return np.array(places)

ask("Each step multiplies the distance to 3 by 1 - 2*lr. Which of three learning rates arrives?",
    zh="每走一步,到 3 的距离乘以 1 - 2*lr。三种学习率,哪个能走到?")
distance = {}
for lr in (0.002, 0.2, 20):
    places = walk(lambda w: ((w - 3) ** 2).sum(), [0.0], 20, lr=lr)[:, 0]
    distance[str(lr)] = np.abs(places - 3)
    print(f"lr {lr:<5}  1 - 2*lr = {1 - 2 * lr:<6.4g} w =",
          ", ".join(f"{w:.4g}" for w in places[:4]), f"... {places[-1]:.4g}")
assert distance["0.002"][-1] > 2.7, "too small: after 20 steps it has hardly left"
assert distance["0.2"][-1] < 0.001, "just right: it has arrived"
assert distance["20"][-1] > 1e30, "too large: each step lands 39 times as far on the other side"
curves(distance, label("step", zh="步"), label("distance from 3", zh="离 3 的距离"),
       heading=label("learning rate", zh="学习率"), yscale="log", xlim=(0, 20), ylim=(1e-5, 1e10))
show("11_learning_rates")
remember("Too small never arrives, too large flies away.", zh="太小走不到,太大飞出去。")

# %% The same on real digits | 换成真的数字
ask("The same three, for a small network and 2,000 real digits. Which one learns?",
    zh="还是这三种学习率,换成小网络和 2,000 个真的数字,哪个学得会?")
digits = tg.TensorDataset(*tg.datasets.MNIST(transform=tg.transforms.ToTensor())[:2000])
losses = {}
for lr in (0.002, 0.2, 20):
    tg.manual_seed(0)
    model = tg.models.create("mlp")
    history = train(model, digits, tg.optim.SGD(model.parameters(), lr=lr), epochs=3)
    losses[lr] = history[-1].loss
    print(f"lr {lr:<5} ", " -> ".join(f"{epoch.loss:.2f}" for epoch in history))
assert losses[0.2] < 0.7 < 2 < losses[0.002], "0.002 has hardly begun: a guess costs 2.3"
assert losses[20] > 2, "with 20 it is no better than a guess"
remember("Every learning rate is found by trying.", zh="学习率都是试出来的。")

# %% A ball that rolls | 会滚的小球
ask("A long narrow valley: steep across, almost flat along. Who is at the bottom first?",
    zh="一条又长又窄的山谷:横着陡,顺着平。谁先到谷底?")
ways = {}
for momentum in (0, 0.7):
    ways[momentum] = walk(lambda w: (w * w * tg.tensor(np.array([0.5, 10.0]))).sum(), [-9.0, 1.5],
                          30, lr=0.09, momentum=momentum)
    far = np.hypot(*ways[momentum][-1])
    say(f"momentum {momentum}: {far:.3f} away", zh=f"动量 {momentum}:还差 {far:.3f}")
assert np.hypot(*ways[0.7][-1]) < np.hypot(*ways[0][-1]) / 5, "along the valley it gathers speed"
valley({label(f"momentum {momentum}", zh=f"动量 {momentum}"): way
        for momentum, way in ways.items()}, lambda x, y: 0.5 * x**2 + 10 * y**2)
show("11_valley")
remember("Momentum keeps a part of the last step: what zigzags cancels, what agrees adds up.",
         zh="动量保留上一步的一部分:来回摆动的抵消,方向一致的累加。")

# %% Exercises | 练习
check = exercise("11.1", "w is 1, its gradient 3, the learning rate 0.1. And after one step?",
                 zh="w 是 1,梯度是 3,学习率是 0.1。走一步后 w 是多少?")
# check(0)
check = exercise("11.2", "Momentum 0.9; the last direction was 1, the gradient is 1. And the next?",
                 zh="动量 0.9:上一步的方向是 1,现在梯度是 1。新的方向是多少?")
# check(0)
check = exercise("11.3", "(w - 3)**2, learning rate 1: each step multiplies w - 3 by what?",
                 zh="损失 (w - 3)**2,学习率 1:每走一步,到 3 的差乘以几?")
# check(0)
