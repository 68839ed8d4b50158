"""From classifying to finding: slide the network over a larger picture, as one convolution. (20 s)
从分类到检测:让网络在更大的图片上滑动,其实就是一次卷积。(20 秒)
"""

# %% A network that may say "nothing" | 会说“什么也没有”的网络
import numpy as np
from stage import BLUE, RED, ask, check, fast, new_figure, remember, say, show, words

import tinygrad_mnist as tg

ask("A network must name one of ten digits. What about half a 3?", zh="网络只会说数字,半个 3 呢?")
tg.manual_seed(0)
rng = np.random.default_rng(0)
data, test = tg.datasets.MNIST(), tg.datasets.MNIST(train=False)
count, NOTHING = (9000 if fast() else 18000), 10
digits = np.stack([np.roll(picture, rng.integers(-2, 3, 2), (0, 1))  # not quite in the middle
                   for picture in data.images[:count]])
between = []  # windows that fall between digits, or on paper
for _ in range(count // 2):
    a, b, c, d = digits[rng.integers(count, size=4)] * rng.integers(2, size=(4, 1, 1))
    top, left = rng.permutation([rng.integers(29), rng.integers(8, 21)])
    between.append(np.block([[a, b], [c, d]])[top:top + 28, left:left + 28])
pictures = np.concatenate([digits, between])[:, None].astype(np.float32) / 255
labels = np.concatenate([data.labels[:count], np.full(len(between), NOTHING)])
model = tg.nn.Sequential(*tg.models.create("seed")[:7], tg.nn.Linear(16, 11))
optimizer = tg.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
loader = tg.DataLoader(tg.TensorDataset(pictures, labels), 64, shuffle=True)
tg.training.fit(model, loader, optimizer, epochs=2)
unseen = tg.Tensor(test.images[:2000, None] / np.float32(255))
right = (tg.training.predict(model, unseen).argmax(1) == test.labels[:2000]).mean()
say(f"Learnt: {count} digits, {len(between)} times nothing. Accuracy on digits: {right:.0%}.",
    zh=f"学了 {count} 个数字和 {len(between)} 张“什么也没有”。数字上的准确率:{right:.0%}。")
assert right > 0.8, "with an eleventh answer it still reads digits"
remember("To find things, see first what is no thing.", zh="要找到东西,先要见过“没有东西”。")

# %% The last layers are convolutions too | 最后的层也是卷积
ask("The fully connected layer has weights of (16, 32*7*7). What if we fold them to "
    "(16, 32, 7, 7)?", zh="全连接层的权重是 (16, 32*7*7),折成 (16, 32, 7, 7) 会怎样?")
first, last = model[5], model[7]

def slide(pictures):
    """The network without Flatten: (N, 1, H, W) -> (N, 11, H/4 - 6, W/4 - 6)."""
    maps = model[:4](pictures)                                                # (N, 32, H/4, W/4)
    hidden = tg.functional.conv2d(maps, first.weight.reshape(16, 32, 7, 7), first.bias).relu()
    return tg.functional.conv2d(hidden, last.weight.reshape(11, 16, 1, 1), last.bias)

one = unseen[:1]
print(f"{one.shape} -> as it was {model(one).shape}, as convolutions {slide(one).shape}")
assert np.allclose(model(one).numpy(), slide(one).numpy()[..., 0, 0], atol=1e-3), "the same sums"
remember("A fully connected layer is a convolution whose kernel is as large as the map.",
         zh="全连接层就是卷积核和特征图一样大的卷积。")

# %% Over a larger picture | 更大的图片
ask("A picture of 64 x 160: how many answers in one go?", zh="64 x 160 的图片,一次得到多少个回答?")
scene, places = np.zeros((64, 160), np.float32), [(4, 2), (32, 30), (6, 62), (30, 94), (10, 130)]
for (y, x), digit in zip(places, test.images[10:15] / 255, strict=True):
    scene[y:y + 28, x:x + 28] += digit
with tg.no_grad():
    answers = tg.functional.softmax(slide(tg.Tensor(scene[None, None])), 1).numpy()[0]
_, H, W = answers.shape
print(f"(64/4 - 7 + 1) x (160/4 - 7 + 1) = {H} x {W} = {H * W} places, each with 11 answers")
print(f"one by one {H * W} * 28 * 28 = {H * W * 784:,} pixels; at once 64 * 160 = {64 * 160:,}")
assert answers.shape == (11, 10, 34), "two poolings: a window every 4 pixels"
remember("What neighbouring windows share is computed once.", zh="相邻窗口共用的部分只计算一次。")

# %% From heat to boxes | 从热力图到方框
ask("Several windows see one digit. Which box stays?", zh="好几个窗口看到同一个数字,留下哪个框?")

def overlap(a, b):  # what two boxes of 28 x 28 share, over what they cover together (IoU)
    shared = np.prod(np.clip(28 - np.abs(np.subtract(a, b)), 0, None))
    return shared / (2 * 28 * 28 - shared)

print(f"14 pixels apart: 14*28 / (2*28*28 - 14*28) = {overlap((0, 0), (0, 14)):.2f}")
boxes, sure = [], answers[:NOTHING].max(axis=0)
for place in sure.ravel().argsort()[::-1]:        # the surest first
    i, j = divmod(int(place), W)
    if sure[i, j] > 0.6 and all(overlap((4 * i, 4 * j), box) < 0.15 for box, _ in boxes):
        boxes.append(((4 * i, 4 * j), int(answers[:NOTHING, i, j].argmax())))
figure, hits = new_figure(13, 6), 0
axes = figure.subplots()
axes.imshow(scene, extent=(0, 160, 64, 0))
axes.imshow(sure, cmap="Oranges", alpha=0.5, vmin=0, vmax=1, extent=(12, 148, 52, 12))
for (y, x), digit in boxes:
    hit = any(overlap((y, x), place) > 0.4 and digit == label
              for place, label in zip(places, test.labels[10:15], strict=True))
    hits, colour = hits + hit, BLUE if hit else RED
    print(f"a {digit} at row {y}, column {x}, {sure[y // 4, x // 4]:.0%} sure: {hit}")
    axes.plot([x, x + 28, x + 28, x, x], [y, y, y + 28, y + 28, y], color=colour, linewidth=3)
    axes.text(x + 1, y + 7, str(digit), fontsize=24, color=colour)
axes.set(xlim=(0, 160), ylim=(64, 0), xticks=[], yticks=[], title=words(
    "orange: sure of a digit in the window around", zh="橙色:以此为中心的窗口里,有把握是数字"))
show(figure, "17_boxes")
assert hits >= 3, "most of the five digits are found, where they are and as what they are"
remember("Take the surest box, drop those that overlap it, go on: non-maximum suppression.",
         zh="取最有把握的框,去掉和它重叠的,再继续:这叫非极大值抑制。")

# %% The families | 家谱
ask("Boxes of any size are millions. Who avoids them how?", zh="任意大小的框有几百万个,怎样避免?")
print("""OverFeat      2013  slides the network as a convolution, as we did   arXiv:1312.6229
R-CNN         2014  cuts out 2000 proposed regions, one by one       arXiv:1311.2524
Fast R-CNN    2015  convolves once, cuts regions out of the maps     arXiv:1504.08083
Faster R-CNN  2015  a small network on these maps proposes them too  arXiv:1506.01497
YOLO          2016  no proposals: a grid of 7 x 7 cells gives boxes  arXiv:1506.02640
SSD           2016  boxes from maps of several sizes, in one pass    arXiv:1512.02325

network    year  layers  parameters
LeNet-5    1998       7  60 thousand   LeCun et al., Proc. IEEE 86(11)
AlexNet    2012       8  60 million    Krizhevsky et al., NIPS 2012
VGG-16     2014      16  138 million   arXiv:1409.1556
GoogLeNet  2014      22  7 million     arXiv:1409.4842""")
print(f"\nVGG-16, its first fully connected layer: 512*7*7 * 4096 = {512 * 7 * 7 * 4096:,} weights")
assert 512 * 7 * 7 * 4096 > 0.7 * 138e6, "one layer holds most of VGG-16; GoogLeNet has none such"
remember("From thousands of cut-outs to a single look.", zh="从剪下几千块逐一看,到整张图只看一眼。")

# %% Exercises | 练习
say("1. How many rows and columns of answers has 60 x 60?", zh="1. 60 x 60 的图片得到几行几列回答?")
# check("17.1", [0, 0])
say("2. YOLO: 7 x 7 cells, two boxes each. How many?", zh="2. YOLO:7 x 7 格,每格两个框,共几个?")
# check("17.2", 0)
assert check("17.1", [60 // 4 - 6, 60 // 4 - 6]), "the network slides 4 pixels at a time"
