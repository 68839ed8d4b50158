"""Learning is finding a rule from data: a line is fitted, first by hand, then by itself. (1 s)
学习就是从数据里找规律:一条直线,先用手去凑,再让它自己学。(1 秒)
"""

# %% Six taxi rides | 六次打车
import numpy as np
from board import curves, label, show
from stage import ask, exercise, remember, say, words

km = np.array([1, 2, 3, 4, 5, 6], float)
price = np.array([12.3, 13.6, 16.2, 18.5, 19.4, 22.0])
ask("Six rides, six bills. Nobody tells us the tariff. What will a ride of 8 km cost?",
    zh="六次打车,六张账单,没人告诉我们怎么计价。坐 8 公里要多少钱?")
for distance, paid in zip(km, price, strict=True):
    print(f"{distance:.0f} km: {paid:4.1f} / {distance:.0f} = {paid / distance:4.1f}")
assert max(price / km) > 3 * min(price / km), "no fixed price for a km: getting in costs too"
remember("The rule we look for is two numbers: price = slope * km + intercept.",
         zh="要找的规律就是两个数:价格 = 斜率 * 公里 + 截距。")

# %% A guess, and how wrong it is | 猜一个,看错多少
def loss(slope, intercept):
    return np.mean((slope * km + intercept - price) ** 2)

ask("My guess: 3 for each km, and 5 for getting in. How good is it, in one number?",
    zh="我猜:每公里 3 元,起步 5 元。用一个数来说,猜得有多好?")
for distance, guess, paid in zip(km, 3 * km + 5, price, strict=True):
    print(f"3*{distance:.0f} + 5 = {guess:2.0f}    {guess:2.0f} - {paid} = {guess - paid:4.1f}    "
          f"({guess - paid:4.1f})**2 = {(guess - paid) ** 2:5.2f}")
say(f"The mean of the squares, the loss: {loss(3, 5):.2f}. With 2 and 8: {loss(2, 8):.2f}.",
    zh=f"平方的平均,也就是损失:{loss(3, 5):.2f}。换成 2 和 8,是 {loss(2, 8):.2f}。")
assert loss(2, 8) < loss(3, 5), "of two rules, the one with the smaller loss fits better"
remember("The loss says in one number how wrong a rule is. Squares: a large error hurts most.",
         zh="损失用一个数说明规律错得有多厉害。取平方,错得越多罚得越重。")

# %% Which way is down? | 往哪边是下坡?
def gradient(slope, intercept):
    error = slope * km + intercept - price
    return np.mean([2 * error * km, 2 * error], axis=1)

ask("Slope 2 and intercept 8: the loss could be smaller. Which way should each number go?",
    zh="斜率 2、截距 8,损失还可以更小。这两个数,各该往哪边调?")
by_nudging = [(loss(2.00001, 8) - loss(2, 8)) / 0.00001, (loss(2, 8.00001) - loss(2, 8)) / 0.00001]
speeds = "{:.2f}, {:.2f}; {:.2f}, {:.2f}".format(*by_nudging, *gradient(2, 8))
say(f"So fast the loss grows, by nudging each number; and by the formula: {speeds}",
    zh=f"损失涨多快:先把每个数轻轻加一点来试,再用公式算:{speeds}")
assert np.allclose(by_nudging, gradient(2, 8), atol=0.01), "the formula says what nudging finds"
remember("The gradient: how fast the loss grows with each number. Where it is negative, go up.",
         zh="梯度说的是:每个数加一点,损失涨多快。梯度为负,就把这个数加大。")

# %% The line moves | 直线在移动
def descend(learning_rate, stops):
    print(words(" step     slope intercept         loss", zh=" 步数     斜率     截距        损失"))
    line, seen = np.zeros(2), {}
    for step in range(max(stops) + 1):
        if step in stops:
            seen[step] = line
            print(f"{step:5} {line[0]:9.2f} {line[1]:9.2f} {loss(*line):12,.2f}")
        line = line - learning_rate * gradient(*line)
    return seen

ask("We begin with 0 and 0, and take 1,000 small steps against the gradient. Where do we end?",
    zh="从 0 和 0 出发,逆着梯度走 1,000 小步,会走到哪里?")
lines = descend(0.03, [0, 1, 100, 1000])
assert np.allclose(lines[1000], np.polyfit(km, price, 1), atol=0.01), "no line fits better"
axes = curves({label(f"step {step:,}", zh=f"第 {step:,} 步"): [intercept, 8 * slope + intercept]
               for step, (slope, intercept) in reversed(lines.items())},
              label("kilometres", zh="公里"), label("price", zh="价格"), x=[0, 8], xlim=(0, 8))
axes.plot(km, price, "o", color="black", markersize=12)
show("01_line")
print("{:.2f} * 8 + {:.2f} = {:.1f}".format(*lines[1000], lines[1000] @ [8, 1]))
remember("new number = old number - learning rate * gradient. All networks learn by this line.",
         zh="新的数 = 旧的数 - 学习率 * 梯度。所有网络都靠这一行学习。")

# %% Steps that are too long | 步子太大
ask("0.03 worked. Would 0.07 be twice as fast?", zh="学习率 0.03 可以。换成 0.07,会快一倍吗?")
lines = descend(0.07, [0, 1, 2, 3, 20])
assert loss(*lines[20]) > loss(*lines[0]), "each step jumps across the valley, and lands higher"
remember("Too small a learning rate takes for ever, too large a one runs away.",
         zh="学习率太小,学到天荒地老;太大,越跑越远。")

# %% Exercises | 练习
check = exercise("1.1", "The rule is slope 2, intercept 10. What does a ride of 10 km cost?",
                 zh="规律是斜率 2、截距 10,坐 10 公里要多少钱?")
# check(0)
check = exercise("1.2", "Guessed are 3 and 5, right are 4 and 7. What is the loss?",
                 zh="猜的是 3 和 5,对的是 4 和 7。损失是多少?")
# check(0)
check = exercise("1.3", "A number is 3, its gradient 4, the learning rate 0.1. And after a step?",
                 zh="一个数是 3,它的梯度是 4,学习率是 0.1。走一步以后它是多少?")
# check(0)
