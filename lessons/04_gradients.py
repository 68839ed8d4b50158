"""Gradients by hand: back through a calculation, one small step at a time. (1 s)
手算梯度:沿着计算往回走,一次一小步。(1 秒)
"""

# %% Five numbers | 五个数
from board import graph, show
from stage import ask, exercise, remember, say

from tinygrad_mnist import models, tensor

ask("A network of one weight: it multiplies its input 2 by the weight 3. Right would be 10. How "
    "wrong is it?", zh="只有一个权重的网络:输入 2 乘权重 3。正确答案是 10。它错了多少?")
weight, input = 3.0, 2.0
output = weight * input
error = output - 10
loss = error * error
print(f"output = weight * input = {weight:g} * {input:g} = {output:g}")
print(f"error = output - 10 = {output:g} - 10 = {error:g}")
print(f"loss = error * error = {error:g} * {error:g} = {loss:g}")
assert loss == 16, "(3*2 - 10) squared"
remember("A network is a long calculation made of steps as small as these.",
         zh="网络就是一长串计算,每一步都这么小。")

# %% Backwards, the chain rule | 往回走:链式法则
ask("If the weight grows a little, does the loss grow or fall? How fast?",
    zh="权重加大一点,损失是升还是降?变化多快?")
to_error = 2 * error           # error * error: it counts twice
to_output = to_error * 1       # output - 10: the error moves as the output does
to_weight = to_output * input  # weight * input: the output moves 2 for each 1 of the weight
to_input = to_output * weight
say("When a number moves, the loss moves so many times as fast:",
    zh="某个数动一点,损失变化的速度是它的几倍:")
print(f"error: 2*{error:g} = {to_error:g}, output: {to_error:g}*1 = {to_output:g}, weight: "
      f"{to_output:g}*{input:g} = {to_weight:g}, input: {to_output:g}*{weight:g} = {to_input:g}")
assert to_weight == 2 * error * 1 * input, "the speeds along the way, multiplied"
remember("Chain rule: from the end back, multiply the speeds of the small steps: the gradient.",
         zh="链式法则:从终点往回,把每一小步的变化率乘起来,就是梯度。")

# %% Is it true? | 真的吗?
ask("Do not believe the formula. How would you find out, without any mathematics?",
    zh="先别信公式。不用数学,怎么验证?")
up, down = (3.001 * 2 - 10) ** 2, (2.999 * 2 - 10) ** 2
print(f"((3.001*2 - 10)**2 - (2.999*2 - 10)**2) / 0.002 = {(up - down) / 0.002:.3f}")
assert abs((up - down) / 0.002 - to_weight) < 1e-6, "nudge it and look: the same -16"
many = models.count_parameters(models.create("seed"))
say(f"The talk's network has {many:,} weights and biases: to nudge each takes {2 * many:,} runs.",
    zh=f"演讲里的网络有 {many:,} 个权重和偏置,挨个试要算 {2 * many:,} 遍。")
assert many > 10_000, "nudging asks for each number apart, the chain rule for all in one go"
remember("Nudging checks a gradient, but only the way back is fast enough to learn by.",
         zh="动一动、看一看,可以验证梯度;要快到能用来学习,还得往回走。")

# %% The same with Tensor | 换成 Tensor
ask("A Tensor remembers how it was made. What does the loss know of its past?",
    zh="Tensor 会记住自己是怎么来的。损失对自己的来历知道些什么?")
weight, input = tensor(3.0, requires_grad=True), tensor(2.0, requires_grad=True)
output = weight * input
error = output - 10
loss = error * error
names = {weight: "weight", input: "input", output: "output", error: "error", loss: "loss"}
arrows = [(names[source], names[made]) for made in (output, error, loss)
          for source, _ in made.grad_fn.lines]  # read before backward, which lets go of them
print(", ".join(f"{source} -> {made}" for source, made in arrows))
for made in (output, error, loss):
    made.retain_grad()  # else only weight and input, the ends of the graph, keep theirs
loss.backward()
print(f"weight.grad = {weight.grad.item():g}, input.grad = {input.grad.item():g}")
assert (weight.grad.item(), input.grad.item()) == (to_weight, to_input), "as by hand"
remember("The engine only writes down what you did by hand, and walks it backwards.",
         zh="引擎只是记下你手算的每一步,再倒着走一遍。")

# %% The graph | 计算图
ask("Blue: the number. Red: its gradient. Two arrows leave the error. What of its two gradients?",
    zh="蓝色是数值,红色是梯度。error 引出两支箭头,它的两份梯度怎么办?")
graph({"weight": (0, 1, weight), "input": (0, -1, input), "output": (1.3, 0, output),
       "error": (2.6, 0, error), "loss": (3.9, 0, loss)}, arrows)
show("04_graph")
assert error.grad.item() == -4 + -4, "each arrow brings 1 * error = -4, and they are added"
remember("Where a number is used twice, its gradients are added up.",
         zh="一个数用了两次,它的两份梯度就相加。")

# %% Exercises | 练习
check = exercise("4.1", "The weight is 6, the input 2, and 10 is right. What is its gradient?",
                 zh="现在权重是 6,输入还是 2,正确答案 10。权重的梯度是多少?")
# check(0)
check = exercise("4.2", "f = a * b + a, with a = 2 and b = 3. What is the gradient of a?",
                 zh="f = a * b + a,其中 a = 2、b = 3。a 的梯度是多少?")
# check(0)
check = exercise("4.3", "f = a * b * c, with 2, 3 and 4. What are the three gradients?",
                 zh="f = a * b * c,这三个数是 2、3、4。三个梯度各是多少?")
# check([0, 0, 0])
