"""The data set: what is learnt on one part is measured on another. (2 s)
数据集:在一部分上学,在另一部分上考。(2 秒)
"""

# %% 70,000 digits | 七万个数字
import numpy as np
from board import label, pictures, show
from stage import ask, exercise, remember, say, words

from tinygrad_mnist import DataLoader, TensorDataset, datasets

train, test = datasets.MNIST(train=True), datasets.MNIST(train=False)
ask("60,000 pictures to learn from, 10,000 for the test. Is there the same number of each digit?",
    zh="60,000 张用来学,10,000 张用来考。十个数字的张数一样多吗?")
print(words("digit: in the training set, in the test set", zh="数字:训练集张数,测试集张数"))
for digit in range(10):
    print(f"{digit}: {(train.labels == digit).sum():5}, {(test.labels == digit).sum():4}")
assert (len(train), len(test)) == (60000, 10000), "70,000 pictures with their labels"
assert np.bincount(train.labels).argmax() == 1, "not quite: there are most of the digit 1"
pictures(train.images[:40], rows=4, width=1.3)
show("03_digits")
remember("An example is a picture and its label: the question together with the right answer.",
         zh="一个样本就是一张图片加它的标签:题目连同正确答案。")

# %% Knowing by heart | 死记硬背
ask("A table holds every training picture with its label. How many of them does it read rightly?",
    zh="一张表,记下每张训练图片和它的标签。训练图片它能认对多少?")
table = dict(zip(map(bytes, train.images), train.labels, strict=True))
right = [np.mean([table.get(each) == digit for each, digit in zip(map(bytes, data.images),
                  data.labels, strict=True)]) for data in (train, test)]
say(f"Of the training set {right[0]:.0%}. And of the test set: {right[1]:.0%}!",
    zh=f"训练集:{right[0]:.0%}。那测试集呢?{right[1]:.0%}!")
assert right[0] == 1, "it knows all that it has seen"
assert right[1] == 0, "and nothing else: no test picture is in the training set"
remember("To know the examples by heart is not to have learnt: only new pictures show it.",
         zh="背下样本不算学会:拿没见过的图片一考就知道。")

# %% The nearest neighbour | 最近的邻居
ask("Now a new picture gets the label of the most similar of 3,000 known ones. Is that better?",
    zh="现在,新图片跟 3,000 张见过的比,哪张最像就用哪张的标签。会好些吗?")
known, seen, new = (images.reshape(len(images), -1).astype(np.float32) for images in (
    train.images[:3000], train.images[:1000], test.images[:1000]))
nearest = [((known ** 2).sum(axis=1) - 2 * each @ known.T).argmin(axis=1)  # (a - b)^2 is
           for each in (seen, new)]                # a^2 - 2ab + b^2, and a^2 is the same for all
on_train = train.labels[nearest[0]] == train.labels[:1000]
on_test = train.labels[nearest[1]] == test.labels[:1000]
say(f"Accuracy on 1,000 known pictures {on_train.mean():.0%}, on the test set {on_test.mean():.0%}",
    zh=f"准确率:1,000 张见过的 {on_train.mean():.0%},测试集 {on_test.mean():.0%}")
assert on_train.all(), "nearest to a known picture is that picture itself"
assert 0.85 < on_test.mean() < 0.95, "on new pictures it errs, and that is what counts in life"
wrong = np.flatnonzero(~on_test)[:4]
pictures([*test.images[wrong], *train.images[nearest[1][wrong]]],
         [*test.labels[wrong], *train.labels[nearest[1][wrong]]], rows=2,
         row_names=label("new nearest", zh="新图 最像的").split())
show("03_nearest")
remember("100 % on the training set says nothing. Believe only the accuracy on the test set.",
         zh="训练集上 100 % 说明不了什么。只有测试集上的准确率才可信。")

# %% Batches | 批
ask("A network learns from 64 pictures at a time. How many batches are 60,000 pictures?",
    zh="网络每次从 64 张图片里学。60,000 张图片分成多少批?")
sizes = [len(labels) for _, labels in DataLoader(train, batch_size=64)]
print(f"60000 / 64 = {60000 / 64};  60000 = {len(sizes) - 1} * {sizes[0]} + {sizes[-1]}")
assert sizes == [64] * 937 + [32], "937 full batches, and one for the rest: one epoch"
remember("A batch is a handful of examples for one step; an epoch is all of them once.",
         zh="一批是走一步用的一小把样本;一轮是全部样本过一遍。")

# %% Shuffling | 打乱
ask("The pictures lie sorted: first all 0s, then all 1s. What would a network learn at first?",
    zh="图片按数字排好了:先是所有的 0,再是所有的 1。网络一开始会学到什么?")
in_order = np.sort(train.labels)
shuffled = DataLoader(TensorDataset(in_order), batch_size=64, shuffle=True, seed=1)
epochs = [np.concatenate([labels.numpy() for (labels,) in shuffled]) for _ in range(2)]
for labels in (in_order, *epochs):
    print(*labels[:20])
assert set(in_order[:64]) == {0}, "it would learn to say 0, whatever it is shown"
assert not np.array_equal(*epochs), "each epoch has an order of its own"
assert np.array_equal(*map(np.bincount, epochs)), "but the same pictures, each of them once"
remember("Shuffle the training set, so that every batch is a small likeness of the whole.",
         zh="训练集要打乱,让每一批都像整个数据集的缩影。")

# %% Exercises | 练习
check = exercise("3.1", "How many batches of 64 are the 10,000 pictures of the test set?",
                 zh="测试集的 10,000 张图片,每批 64 张,一共几批?")
# check(0)
check = exercise("3.2", "And how many pictures are in the last one?", zh="最后一批有几张图片?")
# check(0)
check = exercise("3.3", "Somebody answers 7 to every test picture. How many are right?",
                 zh="有人对测试集的每张图片都答 7,能答对多少张?")
# check(0)
