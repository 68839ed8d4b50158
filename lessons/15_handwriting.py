"""Your own handwriting: the network is lost until a drawing looks like what it learnt. (2 s)
你自己的手写:只有把画整理成网络学过的样子,它才认得出来。(2 秒)
"""

# %% Drawings, as a phone makes them | 手机上画的数字
import numpy as np
from board import BLUE, RED, label, pictures, show
from stage import ask, exercise, remember, say, words

import tinygrad_mnist as tg
from tinygrad_mnist.handwriting import rasterize
from tinygrad_mnist.ladder import STEPS, on_a_page, shipped

# Each digit is strokes on a grid of 5 by 7: "40 04" is from column 4, row 0 to column 0, row 4.
DIGITS = ["10 30 41 45 36 16 05 01 10", "11 20 26", "01 10 30 41 42 06 46",
          "01 10 30 41 42 33 13, 33 44 45 36 16 05", "20 04 44, 32 36", "40 00 03 33 44 45 36 06",
          "30 10 01 05 16 36 45 44 33 03", "00 40 16",
          "13 02 01 10 30 41 42 33 13 04 05 16 36 45 44 33", "42 33 13 02 01 10 30 41 45 36"]
draw = np.random.default_rng(0)

def by_hand(digit):
    """Strokes that slope and shake, as a hand's do."""
    slope = np.eye(2) + draw.normal(0, 0.12, (2, 2))
    strokes = [np.array([[int(x), int(y)] for x, y in stroke.split()])
               for stroke in DIGITS[digit].split(",")]
    return [(stroke + draw.normal(0, 0.15, stroke.shape)) @ slope for stroke in strokes]

ask("A phone has 280 x 280 pixels, the network 28 x 28. How many are one?",
    zh="手机画布有 280 x 280 像素,网络只有 28 x 28,几个像素合成一个?")
labels = np.arange(200) % 10
drawings = [by_hand(digit) for digit in labels]
pages = [on_a_page(strokes, draw) for strokes in drawings]  # of any size, anywhere on it
pictures(pages[:10], rows=2, cmap="gray", vmin=0, vmax=1)
show("15_drawings")
print(f"280 * 280 = {280 * 280}, 28 * 28 = {28 * 28}: 10 * 10 -> 1")
assert pages[0].size == 100 * 28 * 28, "each pixel of the network stands for 100 of the phone"
remember("A drawing is strokes, and a stroke is points. (People's are harder than these.)",
         zh="一幅画是若干笔画,一笔是若干个点。(真人画的比这些更难。)")

# %% The trouble | 问题
ask("The network reads 99 of 100 digits of the test set. How many of our drawings?",
    zh="网络在测试集上 100 个数字能读对 99 个。我们画的能读对多少?")
model = tg.models.load(shipped()["seed"])
test = tg.datasets.MNIST(train=False, transform=tg.transforms.ToTensor())
known = tg.training.evaluate(model, test).accuracy

def read(prepared):
    return tg.training.predict(model, tg.tensor(np.stack(prepared)[:, None])).argmax(axis=1)

accuracy = np.mean(read([STEPS["as drawn"][1](page) for page in pages]) == labels)
say(f"Accuracy on the test set {known:.0%}, on our drawings {accuracy:.0%}.",
    zh=f"准确率:测试集 {known:.0%},我们的画 {accuracy:.0%}。")
assert accuracy < 0.4 < 0.9 < known, "a good network, and it is lost: nobody prepared the picture"
remember("High accuracy holds for pictures like those of the test set, and for no others.",
         zh="高准确率只对和测试集相像的图片有效。")

# %% Ways to prepare it | 整理的方法
ask("Invert, crop, scale, centre: which helps most?", zh="反色、裁剪、缩放、居中:哪步最有用?")
names = words("as drawn/inverted/cropped/scaled/centred/same pen",
              zh="原样/反色/裁剪/缩放/居中/同样的笔").split("/")
stages = [[step(page) for page in pages] for _, step in STEPS.values()]
stages.append([rasterize(strokes) for strokes in drawings])
answers = [read(prepared) for prepared in stages]
parts = [np.mean(answer == labels) for answer in answers]
for name, part in zip(names, parts, strict=True):
    print(f"{part:4.0%}  {'#' * round(40 * part):40}  {name}")
assert min(parts[-2:]) > parts[0] + 0.5, "same drawings, same network: only prepared otherwise"
remember("Ink 1 on paper 0, a box of 20 x 20, the centre of mass in the middle: as MNIST was made.",
         zh="墨是 1,纸是 0,放进 20 x 20 的框,重心居中:MNIST 就是这样做的。")

# %% One drawing, step by step | 同一幅画,一步一步
ask("One drawing at each step: when is it read rightly?", zh="同一幅画,从哪一步起认对了?")
shown = 8
pictures([prepared[shown] for prepared in stages],
         [f"{name} → {answer[shown]}" for name, answer in zip(label(
             "as drawn/inverted/cropped/scaled/centred/same pen",
             zh="原样/反色/裁剪/缩放/居中/同样的笔").split("/"), answers, strict=True)],
         colours=[BLUE if answer[shown] == labels[shown] else RED for answer in answers],
         cmap="gray", vmin=0, vmax=1)
show("15_stages")
assert answers[-1][shown] == labels[shown], "prepared as MNIST was, the drawing is read"
remember("Look at what the network gets, not at the screen.", zh="要看网络收到什么,别只看屏幕。")

# %% Exercises | 练习
check = exercise("15.1", "A drawing is 60 wide and 120 high. How wide and high is it in the box?",
                 zh="一幅画宽 60、高 120,放进框里以后多宽多高?")
# check([0, 0])
check = exercise("15.2", "Ink 1 in row 10, ink 3 in row 14. In which row is the centre of mass?",
                 zh="第 10 行墨是 1,第 14 行墨是 3,重心在第几行?")
# check(0)
