"""From classifying to finding: slide the network over a larger picture, as one convolution. (10 s)
从分类到检测:让网络在更大的图片上滑动,其实就是一次卷积。(10 秒)
"""

# %% A network that may say "nothing" | 会说“什么也没有”的网络
import numpy as np
from board import boxes, show
from stage import ask, exercise, fast, remember, say, size, train, words

import tinygrad_mnist as tg

ask("A network must name one of ten digits. What about half a 3?", zh="网络只会说数字,半个 3 呢?")
tg.manual_seed(0)
draw = np.random.default_rng(0)
data, test = tg.datasets.MNIST(), tg.datasets.MNIST(train=False)
count, NOTHING = (9000 if fast() else 18000), 10  # moved far, a digit falls into pieces
shifts = np.concatenate([draw.integers(-2, 3, (count, 2)), draw.integers(9, 20, (count // 2, 2))])
shifts[count::3, 0] = shifts[count + 1::3, 1] = 0
pictures = np.stack([np.roll(*pair, (0, 1)) for pair in zip(data.images, shifts, strict=False)])
pictures[count:] *= np.arange(28)[:, None] < draw.integers(29, size=(count // 2, 1, 1))  # paper
labels = np.where(np.abs(shifts).max(axis=1) > 2, NOTHING, data.labels[:len(shifts)])
model = tg.nn.Sequential(*tg.models.create("seed")[:7], tg.nn.Linear(16, 11))
train(model, tg.TensorDataset(pictures[:, None] / np.float32(255), labels),
      tg.optim.SGD(model.parameters(), lr=0.05, momentum=0.9), epochs=2)
unseen = tg.TensorDataset(test.images[:2000, None] / np.float32(255), test.labels[:2000])
accuracy = tg.training.evaluate(model, unseen).accuracy
print(words("accuracy on digits", zh="数字上的准确率"), f"{accuracy:.0%}")
assert accuracy > 0.8, "with an eleventh answer it still reads digits"
remember("To find things, see first what is no thing.", zh="要找到东西,先要见过“没有东西”。")

# %% The last layers are convolutions too | 最后的层也是卷积
first, last = model[5], model[7]

def slide(pictures):
    """The network without Flatten: (N, 1, H, W) -> (N, 11, H/4 - 6, W/4 - 6)."""
    maps = model[:4](pictures)                                                # (N, 32, H/4, W/4)
    hidden = tg.functional.conv2d(maps, first.weight.reshape(16, 32, 7, 7), first.bias).relu()
    return tg.functional.conv2d(hidden, last.weight.reshape(11, 16, 1, 1), last.bias)

ask("Fold the weights (16, 32*7*7) to (16, 32, 7, 7): what becomes of the fully connected layer?",
    zh="全连接层的权重是 (16, 32*7*7),折成 (16, 32, 7, 7) 会怎样?")
one = unseen[:1][0]
print(f"{one.shape} -> {model(one).shape}, {slide(one).shape}")
assert np.allclose(model(one).numpy(), slide(one).numpy()[..., 0, 0], atol=1e-3), "the same sums"
remember("Fully connected: a kernel as large as the map.", zh="全连接:卷积核和特征图一样大。")

# %% Over a larger picture | 更大的图片
ask("A picture of 64 x 160: how many answers in one go?", zh="64 x 160 的图片,一次得到多少个回答?")
scene, places = np.zeros((64, 160), np.float32), [(4, 2), (32, 30), (6, 62), (30, 94), (10, 130)]
for (y, x), digit in zip(places, test.images[10:15] / 255, strict=True):
    scene[y:y + 28, x:x + 28] += digit
answers = tg.functional.softmax(slide(tg.Tensor(scene[None, None])), 1).numpy()[0]
print(f"(64/4 - 7 + 1) x (160/4 - 7 + 1) = 10 x 34: {size(answers.shape)}")
assert answers.shape == (11, 10, 34), "two poolings: a window every 4 pixels"
remember("What neighbouring windows share is computed once.", zh="相邻窗口共用的部分只计算一次。")

# %% From heat to boxes | 从热力图到方框
def overlap(a, b):  # what two boxes of 28 x 28 share, over what they cover together (IoU)
    shared = np.prod(np.clip(28 - np.abs(np.subtract(a, b)), 0, None))
    return shared / (2 * 28 * 28 - shared)

ask("Several windows see one digit. Which box stays?", zh="好几个窗口看到同一个数字,留下哪个框?")
print(f"14*28 / (2*28*28 - 14*28) = {overlap((0, 0), (0, 14)):.2f}")
found, sure = [], answers[:NOTHING].max(axis=0)
for i, j in sorted(np.ndindex(sure.shape), key=lambda at: -sure[at]):  # the surest first
    if sure[i, j] > 0.6 and all(overlap((4 * i, 4 * j), box) < 0.15 for box, _ in found):
        found.append(((4 * i, 4 * j), int(answers[:NOTHING, i, j].argmax())))
hits = [any(overlap(box, place) > 0.4 and digit == label for place, label in zip(
            places, test.labels[10:15], strict=True)) for box, digit in found]
print(*(f"{digit}: {box}" for box, digit in found), sep=", ")
boxes(scene, sure, found, hits)
show("17_boxes")
assert sum(hits) >= 3, "most of the five digits are found, where they are and as what they are"
remember("Keep the surest box, drop what overlaps it.", zh="留下最有把握的框,去掉重叠的。")

# %% The families | 家谱
ask("Boxes of any size are millions. Who avoids them how?", zh="任意大小的框有几百万个,怎样避免?")
say("R-CNN cuts out 2000 regions, one by one; Fast R-CNN cuts them out of the maps; Faster R-CNN "
    "has a network propose them; YOLO and SSD give boxes in one pass. OverFeat slides like us.",
    zh="R-CNN 剪 2000 块,Fast 版剪特征图,Faster 版由网络提议,YOLO、SSD 一遍出框,OverFeat 滑动。")
print("arXiv: 1311.2524, 1504.08083, 1506.01497, 1506.02640, 1512.02325; 1312.6229; 1409.1556")
print(f"VGG-16: 512*7*7 * 4096 = {512 * 7 * 7 * 4096:,} / 138,000,000")
assert 512 * 7 * 7 * 4096 > 0.7 * 138e6, "one fully connected layer holds most of VGG-16's weights"
remember("From thousands of cut-outs to a single look.", zh="从剪下几千块逐一看,到整张图只看一眼。")

# %% Exercises | 练习
check = exercise("17.1", "60 x 60: how many rows and columns?", zh="60 x 60 得到几行几列回答?")
# check([0, 0])
check = exercise("17.2", "YOLO: 7 x 7 cells, 2 boxes each?", zh="YOLO 有 7 x 7 格,每格 2 个框?")
# check(0)
