"""Testing: how well does it read what it has never seen, and which network is best? (15 s)
测试:没见过的图片能认对多少?哪个网络最好?(15 秒)
"""

# %% Learnt, or learnt by heart? | 学会了,还是背下来了?
import numpy as np
from board import RED, confusion, label, pictures, show
from stage import ask, exercise, fast, remember, train

import tinygrad_mnist as tg
from tinygrad_mnist.training import evaluate

known = tg.datasets.MNIST(transform=tg.transforms.ToTensor())
test = tg.datasets.MNIST(train=False, transform=tg.transforms.ToTensor())

def trained(name, data, lr=0.2, epochs=3):
    tg.manual_seed(0)
    model = tg.models.create(name)
    train(model, data, tg.optim.SGD(model.parameters(), lr=lr), epochs, batch_size=32)
    return model

ask("A network sees 200 pictures, 40 times each. How many of them does it read? Of others?",
    zh="一个网络只看 200 张图片,每张看 40 遍。这些图片能认对多少?别的 2,000 张呢?")
few, others = tg.TensorDataset(*known[:200]), tg.TensorDataset(*known[58000:])
model = trained("mlp", few, epochs=40)
seen, unseen = evaluate(model, few).accuracy, evaluate(model, others).accuracy
print(f"{seen:.1%}, {unseen:.1%}")
assert seen > 0.99, "what it has seen so often it knows by heart: that proves nothing"
assert unseen < 0.9, "only pictures that are new to it tell what it has learnt"
remember("Measure with pictures never seen in training.", zh="要用没见过的图片来衡量。")

# %% Six candidates | 六个候选
ask("Three networks, two learning rates, the same short training. Which one is best?",
    zh="三个网络,两种学习率,同样的短训练,哪个最好?")
many = tg.TensorDataset(*known[:3000 if fast() else 8000])
results = {}
for name in ("linear", "mlp", "seed"):  # seed is the talk's network
    for lr in (0.02, 0.2):
        model = trained(name, many, lr)
        results[name, lr] = evaluate(model, others).accuracy, model
        print(f"{name:6} lr {lr:<4} -> {results[name, lr][0]:.1%}")
best = max(results, key=lambda candidate: results[candidate][0])
assert best[1] == 0.2, "in so short a training, steps of 0.02 do not get far"
assert best[0] == "seed", "convolutions see shapes: fewer numbers than the mlp, and better"
remember("Compare on pictures kept back from the training set: they are for choosing.",
         zh="从训练集里留出一部分图片来比较:它们专门用来挑模型。")

# %% The luckiest of a thousand | 一千个里最走运的
ask("A thousand models guess at random. The best of them on 100 pictures: how good on 2,000 new?",
    zh="一千个模型全靠瞎猜,挑出在 100 张图片上最好的那个。换 2,000 张新的,它有多好?")
hits = np.random.default_rng(0).integers(10, size=(1000, 2100)) == known.labels[:2100]
chosen = hits[:, :100].mean(axis=1).argmax()
lucky, honest = hits[chosen, :100].mean(), hits[chosen, 100:].mean()
print(f"{lucky:.0%}, {honest:.0%}")
assert lucky > 0.18 > 0.13 > honest, "it was chosen for its luck, and luck does not last"
remember("What you choose by will flatter you. So keep the test set out of it, and use it once.",
         zh="用什么来挑,什么就会给你虚高的分。所以测试集不参与挑选,只用一次。")

# %% The test, once | 只测一次
ask("Now the test set, for the chosen one alone. Which digits does it confuse?",
    zh="现在用测试集,只测选中的那个。它会混淆哪些数字?")
result = evaluate(results[best][1], test)
print(f"{np.trace(result.confusion)} / {len(test)} = {result.accuracy:.1%}")
print(", ".join("{} -> {}: {}".format(*each) for each in result.most_confused(3)))
assert np.trace(result.confusion) / len(test) == result.accuracy, "the right ones: the diagonal"
assert result.accuracy > (0.8 if fast() else 0.93), "it reads pictures that nobody chose it by"
confusion(result.confusion, label("read as", zh="读成"), label("is", zh="其实是"))
show("13_confusion")
remember("The confusion matrix says more than one number: where it errs, and how often.",
         zh="混淆矩阵比一个准确率说得更多:错在哪里,错了几次。")

# %% The mistakes | 看看错误
ask("Ten mistakes, the surest first. Can you read them?", zh="十个错误,最自信的在前。认得出吗?")
sure = tg.functional.softmax(tg.tensor(result.logits), 1).numpy().max(axis=1)
mistakes = np.flatnonzero(result.predictions != result.labels)
worst = mistakes[np.argsort(-sure[mistakes], kind="stable")][:10]
pictures(test[worst][0].numpy()[:, 0], [f"{result.labels[place]} → {result.predictions[place]}"
                                        for place in worst], rows=2, colours=[RED] * 10)
show("13_mistakes")
print(*(f"{p:.1%}" for p in sure[worst]))
assert sure[worst[0]] > 0.9, "it can be sure and wrong: a probability is no promise"
remember("Look at the mistakes: they tell what to do next.", zh="看看错误,它们指出下一步。")

# %% Exercises | 练习
check = exercise("13.1", "The confusion matrix of two classes is 90, 2; 1, 7. The accuracy?",
                 zh="两个类的混淆矩阵是 90, 2; 1, 7。准确率是多少?")
# check(0)
check = exercise("13.2", "Of 50 sevens 2 were read as a 9, 3 as a 1. Most often mistaken for what?",
                 zh="50 个 7,认成 9 的 2 个,认成 1 的 3 个。最常错认成几?")
# check(0)
