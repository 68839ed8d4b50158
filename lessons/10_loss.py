"""Loss: how wrong the answers are, in one number, and which way is better. (1 s)
损失:用一个数说明答案错得有多厉害,还能指出往哪边改。(1 秒)
"""

# %% How wrong, in one number | 用一个数说错多少
import numpy as np
from board import curves, label, show
from stage import ask, exercise, remember, words

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
p = np.linspace(0.002, 1, 400)
names = label("cross-entropy", zh="交叉熵"), label("squared error", zh="平方误差")
curves(dict(zip(names, (-np.log(p), (1 - p) ** 2), strict=True)),
       label("probability of the right answer", zh="正确答案的概率"), label("loss", zh="损失"), p,
       xlim=(0, 1), ylim=(0, 6))
show("10_two_losses")
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
scores = tensor(np.stack([lead, 0 * lead], axis=1), requires_grad=True)  # the right one's first
functional.cross_entropy(scores, np.zeros(81, int), "sum").backward()
pushes = [-scores.grad.numpy()[:, 0]]
scores.grad = None
right = tensor(np.tile([1.0, 0.0], (81, 1)))
(functional.mse_loss(functional.softmax(scores, 1), right, "sum") / 2).backward()
pushes.append(-scores.grad.numpy()[:, 0])
for name, push in zip((ENTROPY, SQUARED), pushes, strict=True):
    print(f"-8: {push[0]:.4f}   0: {push[40]:.4f}   +8: {push[80]:.4f}   {name}")
assert pushes[0][0] > 0.99, "cross-entropy pushes a sure mistake with all its strength"
assert pushes[1][0] < 0.01, "the squared error hardly at all: where it is flat, all is lost"
curves(dict(zip(names, pushes, strict=True)), label("right score minus the other",
       zh="正确答案的得分 - 另一个得分"), label("push (minus the gradient)", zh="推力(负梯度)"),
       lead, ylim=(0, 1.05), xlim=(-8, 8))
show("10_push")
remember("To see a mistake is not enough, the gradient must push: so we use cross-entropy.",
         zh="光看到错误还不够,梯度要推得动:所以用交叉熵。")

# %% Exercises | 练习
check = exercise("10.1", "The right answer gets a probability of 1. What is the cross-entropy?",
                 zh="正确答案的概率是 1,交叉熵是多少?")
# check(9)
check = exercise("10.2", "Probabilities 0.2, 0.7, 0.1, and the second is right. The gradient?",
                 zh="概率是 0.2、0.7、0.1,第二个是对的。梯度是多少?")
# check([0, 0, 0])
check = exercise("10.3", "A network that knows nothing reads 26 letters. Its cross-entropy?",
                 zh="一个什么都不懂的网络来认 26 个字母,交叉熵是多少?")
# check(0)
