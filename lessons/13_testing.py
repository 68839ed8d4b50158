"""Testing: how well does it read what it has never seen, and which network is best? (30 s)
测试:没见过的图片能认对多少?哪个网络最好?(30 秒)
"""

# %% Learnt, or learnt by heart? | 学会了,还是背下来了?
import numpy as np
from stage import RED, ask, check, fast, new_figure, remember, say, show, words

import tinygrad_mnist as tg
from tinygrad_mnist.training import evaluate, fit

train = tg.datasets.MNIST(transform=tg.transforms.ToTensor())
test = tg.datasets.MNIST(train=False, transform=tg.transforms.ToTensor())
if fast():
    test = tg.TensorDataset(*test[:2000])


def trained(name, pictures, lr=0.2, epochs=3):
    tg.manual_seed(0)
    model = tg.models.create(name)
    fit(model, tg.DataLoader(pictures, batch_size=32, shuffle=True, seed=0),
        tg.optim.SGD(model.parameters(), lr=lr), epochs, workers=tg.team.best_size(32, "cpu"))
    return model


ask("A network sees 200 pictures, 40 times each. How many of them does it read? And of others?",
    zh="一个网络只看 200 张图片,每张看 40 遍。这些图片能认对多少?别的呢?")
few, others = tg.TensorDataset(*train[:200]), tg.TensorDataset(*train[58000:])
model = trained("mlp", few, epochs=40)
seen, unseen = evaluate(model, few).accuracy, evaluate(model, others).accuracy
say(f"the 200 it was trained on: {seen:.1%}; 2,000 others: {unseen:.1%}",
    zh=f"训练用的 200 张:{seen:.1%};别的 2,000 张:{unseen:.1%}")
assert seen > 0.99, "what it has seen so often it knows by heart: that proves nothing"
assert unseen < 0.9, "only pictures that are new to it tell what it has learnt"
remember("Measure with pictures that the training has never seen.",
         zh="要用训练时没见过的图片来衡量。")

# %% Six candidates | 六个候选
ask("Three networks, two learning rates, the same short training. Which one is best?",
    zh="三个网络,两种学习率,同样的短训练,哪个最好?")
many = tg.TensorDataset(*train[:3000 if fast() else 8000])
print(words("network   numbers   rate   accuracy (the 2,000 others)",
            zh="网络      权重数   学习率  准确率(那 2,000 张)"))
results = {}
names = ("linear", "mlp", "seed")  # seed is the talk's network
for name in names:
    for lr in (0.02, 0.2):
        model = trained(name, many, lr)
        accuracy, size = evaluate(model, others).accuracy, tg.models.count_parameters(model)
        results[name, lr] = accuracy, model
        print(f"{name:9} {size:7,}   {lr:4}   {accuracy:.1%}")
best = max(results, key=lambda candidate: results[candidate][0])
assert all(results[name, 0.2][0] > results[name, 0.02][0] for name in names), (
    "in so short a training, steps of 0.02 do not get far")
assert best == ("seed", 0.2), "convolutions see shapes: fewer numbers than the mlp, and better"
remember("Compare on pictures kept back from the training set: they are for choosing.",
         zh="从训练集里留出一部分图片来比较:它们专门用来挑模型。")

# %% The luckiest of a thousand | 一千个里最走运的
ask("A thousand models guess at random. Take the one that is best on 100 pictures. Is it good?",
    zh="一千个模型全靠瞎猜,挑出在 100 张图片上最好的那个。它真的好吗?")
hits = np.random.default_rng(0).integers(10, size=(1000, 2100)) == train.labels[:2100]
chosen = hits[:, :100].mean(axis=1).argmax()
lucky, honest = hits[chosen, :100].mean(), hits[chosen, 100:].mean()
say(f"on the 100 it was chosen by: {lucky:.0%}; on 2,000 new ones: {honest:.0%}",
    zh=f"挑选用的 100 张:{lucky:.0%};新的 2,000 张:{honest:.0%}")
assert lucky > 0.18 > 0.13 > honest, "it was chosen for its luck, and luck does not last"
remember("What you choose by will flatter you. So keep the test set out of it, and use it once.",
         zh="用什么来挑,什么就会给你虚高的分。所以测试集不参与挑选,只用一次。")

# %% The test, once | 只测一次
ask("Now the test set, for the chosen one alone. Which digits does it confuse?",
    zh="现在用测试集,只测选中的那个。它会混淆哪些数字?")
result = evaluate(results[best][1], test)
right = np.trace(result.confusion)
print(f"{right} / {len(test)} = {right / len(test):.1%}")
for label, read_as, count in result.most_confused(3):
    print(f"{label} -> {read_as}: {count}")
assert right / len(test) == result.accuracy, "right answers lie on the diagonal"
assert result.accuracy > (0.8 if fast() else 0.93), "it reads pictures that nobody chose it by"
figure = new_figure(9, 8)
axes = figure.subplots()
wrong = result.confusion * (1 - np.eye(10))
axes.imshow(wrong)
for (i, j), count in np.ndenumerate(result.confusion):
    axes.text(j, i, count or "", ha="center", va="center", fontsize=14,
              color="#0072b2" if i == j else "white" if count > wrong.max() / 2 else "black")
axes.set(xticks=range(10), yticks=range(10), xlabel=words("read as", zh="读成"),
         ylabel=words("is", zh="其实是"), title=words("blue: right", zh="蓝色:读对的"))
show(figure, "13_confusion")
remember("The confusion matrix says more than one number: where it errs, and how often.",
         zh="混淆矩阵比一个准确率说得更多:错在哪里,错了几次。")

# %% The mistakes | 看看错误
ask("Ten that it got wrong, the surest first. Would you have read them?",
    zh="十个认错的,越自信的越靠前。换成你,认得出吗?")
probabilities = tg.functional.softmax(tg.tensor(result.logits), 1).numpy().max(axis=1)
mistakes = np.flatnonzero(result.predictions != result.labels)
worst = mistakes[np.argsort(-probabilities[mistakes], kind="stable")][:10]
figure = new_figure(13, 6)
for axes, place in zip(figure.subplots(2, 5).flat, worst, strict=True):
    axes.imshow(test[place:place + 1][0].numpy()[0, 0])
    axes.set_title(f"{result.labels[place]} → {result.predictions[place]}", color=RED)
    axes.set_axis_off()
show(figure, "13_mistakes")
print(*(f"{p:.1%}" for p in probabilities[worst]))
assert len(mistakes) == len(test) - right, "every picture is either right or looked at"
assert probabilities[worst[0]] > 0.9, "it can be sure and wrong: a probability is no promise"
remember("Look at the mistakes: they tell what to do next.",
         zh="看看错误:它们会告诉你下一步做什么。")

# %% Exercises | 练习
say("1. The confusion matrix of two classes is 90, 2; 1, 7. What is the accuracy?",
    zh="1. 两个类的混淆矩阵是 90, 2; 1, 7。准确率是多少?")
# check("13.1", 0)
say("2. Of 50 sevens, 45 were read rightly, 3 as a 1, 2 as a 9. Which digit is it taken for most?",
    zh="2. 有 50 个 7,认对 45 个,认成 1 的有 3 个,认成 9 的有 2 个。最常错认成几?")
# check("13.2", 0)
assert check("13.1", (90 + 7) / (90 + 2 + 1 + 7)), "the answers can be checked"
