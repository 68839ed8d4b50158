"""Loss: how wrong the answers are, in one number, and which way is better. (4 s)
损失:用一个数说明答案错得有多厉害,还能指出往哪边改。(4 秒)
"""

# %% How wrong, in one number | 用一个数说错多少
import numpy as np
from stage import BLUE, ORANGE, ask, check, new_figure, remember, say, show, words

from tinygrad_mnist import functional, tensor

SQUARED, ENTROPY = words("squared error", zh="平方误差"), words("cross-entropy", zh="交叉熵")
ask("It is a 7, and not a 1. Three networks say 7 with 90, 50 and 10 %. How wrong is each of them?",
    zh="图里是 7,不是 1。三个网络说是 7 的概率是 90%、50%、10%。各错多少?")
squared, surprise = [], []
for p in (0.9, 0.5, 0.1):
    answer = np.array([p, 1 - p])
    squared.append(functional.mse_loss(tensor(answer), tensor(np.array([1.0, 0.0]))).item())
    surprise.append(functional.cross_entropy(tensor(np.log(answer[None])), [0]).item())
    print(f"{p:.0%}: {SQUARED} (({p} - 1)**2 + ({1 - p:.1f} - 0)**2) / 2 = {squared[-1]:.2f}   "
          f"{ENTROPY} -log({p}) = {surprise[-1]:.2f}")
assert np.allclose(squared, [0.01, 0.25, 0.81]), "the mean of the squared differences"
assert np.allclose(surprise, -np.log([0.9, 0.5, 0.1])), "-log of what the right answer was given"
remember("A loss is one number. Squared error: how far off, squared. Cross-entropy: -log(p of the "
         "right answer).", zh="损失是一个数。平方误差:差多少,再平方。交叉熵:正确答案概率的 -log。")

# %% A confident wrong answer | 自信地答错
ask("The third network becomes ever surer of its mistake. Does each loss notice?",
    zh="第三个网络错得越来越自信。两种损失都察觉得到吗?")
for p in ("0.1", "0.01", "0.000001"):
    print(f"p = {p:8}  {SQUARED} {(1 - float(p)) ** 2:.4f}   {ENTROPY} {-np.log(float(p)):7.4f}")
assert -np.log(1e-6) > 13 > 1 > (1 - 1e-6) ** 2, "one loss never gets above 1, the other has no end"
figure = new_figure(10, 5)
axes, p = figure.subplots(), np.linspace(0.002, 1, 400)
axes.plot(p, -np.log(p), color=BLUE, linewidth=4, label=ENTROPY)
axes.plot(p, (1 - p) ** 2, "--", color=ORANGE, linewidth=4, label=SQUARED)
axes.set(xlabel=words("probability of the right answer", zh="正确答案的概率"), xlim=(0, 1),
         ylabel=words("loss", zh="损失"), ylim=(0, 6))
axes.legend(frameon=False)
show(figure, "10_two_losses")
remember("Cross-entropy forgives a doubt, and never a confident wrong answer.",
         zh="交叉熵能原谅犹豫,但绝不原谅自信的错误。")

# %% Probabilities minus the right answer | 概率减去正确答案
ask("The scores are 1, 3, 0, and the first is right. Which should go up, which down, how much?",
    zh="得分是 1、3、0,第一个才对。哪些得分该升,哪些该降,各多少?")
logits = tensor(np.array([[1.0, 3.0, 0.0]]), requires_grad=True)
functional.cross_entropy(logits, [0]).backward()
gradient, probabilities = logits.grad.numpy()[0], functional.softmax(logits, 1).numpy()[0]
for p, right, slope in zip(probabilities, (1, 0, 0), gradient, strict=True):
    print(f"{p:.3f} - {right} = {slope:6.3f}")
assert np.allclose(gradient, probabilities - [1, 0, 0]), "no formula could be simpler"
assert np.isclose(gradient.sum(), 0), "what the right score is pushed up, the others are down"
remember("The gradient of cross-entropy: the probabilities, minus the right answer.",
         zh="交叉熵的梯度:概率减去正确答案。")

# %% Who learns from a mistake? | 谁能从错误中学习?
ask("A sure mistake: the right score lies 8 behind. Which loss pushes it up harder?",
    zh="自信的错误:正确答案的得分落后 8。哪种损失把它往上推得更用力?")
lead = np.linspace(-8, 8, 81)
scores = np.stack([lead, 0 * lead], axis=1)  # the right answer's, and the other's
right = np.tile([1.0, 0.0], (81, 1))
figure = new_figure(10, 5)
axes, pushes = figure.subplots(), []
for name, style, colour in ((ENTROPY, "-", BLUE), (SQUARED, "--", ORANGE)):
    logits = tensor(scores, requires_grad=True)
    loss = (functional.cross_entropy(logits, np.zeros(81, int), "sum") if name == ENTROPY
            else functional.mse_loss(functional.softmax(logits, 1), tensor(right), "sum") / 2)
    loss.backward()
    push = -logits.grad.numpy()[:, 0]
    print(f"-8: {push[0]:.4f}   0: {push[40]:.4f}   +8: {push[80]:.4f}   {name}")
    axes.plot(lead, push, style, color=colour, linewidth=4, label=name)
    pushes.append(push[0])
assert pushes[0] > 0.99 > 0.01 > pushes[1], "only cross-entropy pushes a sure mistake: flat is lost"
axes.set(xlabel=words("right score minus the other", zh="正确答案的得分 - 另一个得分"),
         ylabel=words("push (minus the gradient)", zh="推力(负梯度)"), ylim=(0, 1.05), xlim=(-8, 8))
axes.legend(frameon=False)
show(figure, "10_push")
remember("To see a mistake is not enough, the gradient must push: so we use cross-entropy.",
         zh="光看到错误还不够,梯度要推得动:所以用交叉熵。")

# %% Exercises | 练习
say("1. The right answer gets a probability of 1. What is the cross-entropy?",
    zh="1. 正确答案的概率是 1,交叉熵是多少?")
# check("10.1", 9)
say("2. Probabilities 0.2, 0.7, 0.1, and the second is right. What is the gradient?",
    zh="2. 概率是 0.2、0.7、0.1,第二个是对的。梯度是多少?")
# check("10.2", [0, 0, 0])
say("3. A network that knows nothing gives ten digits 10 % each. What is its cross-entropy?",
    zh="3. 一个什么都不懂的网络,给十个数字各 10%。交叉熵是多少?")
# check("10.3", 0)
assert check("10.3", -np.log(0.1)), "the answers can be checked: every training begins near 2.3"
