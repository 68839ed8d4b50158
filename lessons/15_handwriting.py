"""Your own handwriting: the network is lost until a drawing looks like what it learnt. (15 s)
你自己的手写:只有把画整理成网络学过的样子,它才认得出来。(15 秒)
"""

# %% Drawings, as a phone makes them | 手机上画的数字
import numpy as np
from PIL import Image, ImageDraw
from stage import BLUE, RED, ask, check, fast, new_figure, remember, say, show, words

import tinygrad_mnist as tg
from tinygrad_mnist.handwriting import centred, cropped, grey, inked, rasterize, scaled


def arc(x, y, width, height, start, end):  # angles in degrees, clockwise from the right
    angles = np.radians(np.linspace(start, end, 30))
    return [*zip(x + width * np.cos(angles), y + height * np.sin(angles), strict=True)]

STROKES = [[arc(.5, .5, .32, .5, -90, 270)], [[(.3, .2), (.5, 0), (.5, 1)]],
           [[*arc(.5, .28, .3, .28, 190, 400), (.15, 1), (.85, 1)]],
           [[*arc(.45, .25, .3, .25, 200, 450), *arc(.45, .74, .35, .26, 270, 510)]],
           [[(.55, 0), (.1, .62), (.9, .62)], [(.65, .35), (.62, 1)]],
           [[(.8, 0), (.28, 0), (.23, .43), *arc(.47, .68, .33, .32, 235, 500)]],
           [[(.65, 0), (.38, .3), (.2, .65), *arc(.48, .72, .28, .28, 180, -180)]],
           [[(.1, .05), (.9, .05), (.4, 1)]],
           [[*arc(.5, .25, .25, .25, 90, 450), *arc(.5, .75, .3, .25, -90, 270)]],
           [[*arc(.5, .3, .28, .3, 0, -360), (.75, .6), (.7, 1)]]]

def drawn(digit):
    """Strokes on 280 x 280 pixels: sloping, shaky, large or small, anywhere."""
    slope = np.array([[rng.uniform(.7, 1.1), rng.uniform(-.15, .15)], [rng.uniform(-.3, .1), 1]])
    slope *= rng.uniform(60, 180)
    strokes = [(each + rng.normal(0, .01, (len(each), 2))) @ slope for each in STROKES[digit]]
    points = np.concatenate(strokes)
    place = rng.uniform(15, 265 - np.ptp(points, axis=0)) - points.min(axis=0)
    return [stroke + place for stroke in strokes]

def on_screen(strokes):
    """What the phone shows: a pen of 14 pixels, black on white, uint8 (280, 280)."""
    screen = Image.new("L", (280, 280), 255)
    for stroke in strokes:
        ImageDraw.Draw(screen).line([*map(tuple, stroke)], fill=0, width=14, joint="curve")
    return np.asarray(screen)

ask("A phone has 280 x 280 pixels, the network 28 x 28. How many are one?",
    zh="手机画布有 280 x 280 像素,网络只有 28 x 28,几个像素合成一个?")
labels, rng = np.arange(100) % 10, np.random.default_rng(0)
drawings = [*map(drawn, labels)]
screens = [*map(on_screen, drawings)]
figure = new_figure(12, 5)
for axes, screen in zip(figure.subplots(2, 5).flat, screens, strict=False):
    axes.imshow(np.pad(screen, 3), cmap="gray")  # in a black frame
    axes.set_axis_off()
show(figure, "15_drawings")
print(f"280 * 280 = {280 * 280} -> 28 * 28 = {28 * 28}: one for each 10 * 10")
assert screens[0].size == 100 * 28 * 28, "each pixel of the network stands for 100 of the phone"
remember("A drawing is strokes, a stroke is points. (Ours are ten patterns shaken; people's are "
         "harder.)", zh="一幅画是若干笔画,一笔是若干个点。(这里是十个模板加抖动,真人画的更难。)")

# %% The trouble | 问题
ask("The network reads 19 of 20 digits of the test set. How many of our drawings?",
    zh="网络在测试集上 20 个数字能读对 19 个。我们画的能读对多少?")
tg.manual_seed(0)
model, some = tg.models.create("seed"), slice(6000 if fast() else 12000)
data, test = tg.datasets.MNIST(), tg.datasets.MNIST(train=False, transform=tg.transforms.ToTensor())
pictures = tg.TensorDataset(tg.transforms.ToTensor()(data.images[some]), data.labels[some])
optimizer = tg.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
tg.training.fit(model, tg.DataLoader(pictures, 64, shuffle=True), optimizer, epochs=2)

def read(prepared):
    return tg.training.predict(model, tg.tensor(np.stack(prepared)[:, None])).argmax(axis=1)

def shrunk(picture):  # to 28 x 28, each pixel the average of what lies under it
    return np.asarray(Image.fromarray(picture).resize((28, 28), Image.Resampling.BOX))

as_drawn = [shrunk(grey(screen)) for screen in screens]
accuracy = (read(as_drawn) == labels).mean()
known = tg.training.evaluate(model, test).accuracy
say(f"Accuracy on the test set {known:.0%}, on our drawings {accuracy:.0%}.",
    zh=f"准确率:测试集 {known:.0%},我们的画 {accuracy:.0%}。")
assert accuracy < 0.4 < 0.9 < known, "a good network, and it is lost: nobody prepared the picture"
remember("High accuracy holds for pictures like those of the test set, and for no others.",
         zh="高准确率只对和测试集相像的图片有效。")

# %% Ways to prepare it | 整理的方法
ask("Invert, crop, scale, centre: which helps most?", zh="反色、裁剪、缩放、居中:哪步最有用?")
ink = [inked(grey(screen)) for screen in screens]
stages = {
    words("as drawn", zh="原样"): as_drawn,
    words("inverted", zh="反色"): [shrunk(each) for each in ink],
    words("cropped", zh="裁剪"): [shrunk(cropped(each)) for each in ink],
    words("scaled", zh="缩放"): [scaled(cropped(each)) for each in ink],
    words("centred", zh="居中"): [centred(scaled(cropped(each))) for each in ink],
    words("from strokes", zh="用笔画重画"): [*map(rasterize, drawings)],
}
answers = {name: read(prepared) for name, prepared in stages.items()}
first, *_, last, redrawn = parts = [(answer == labels).mean() for answer in answers.values()]
for name, part in zip(stages, parts, strict=True):
    print(f"{part:4.0%}  {'#' * round(40 * part):40}  {name}")
assert min(last, redrawn) > first + 0.5, "same drawings, same network: only the preparation differs"
remember("Ink 1 on paper 0, a box of 20 x 20, the centre of mass in the middle: as MNIST was made.",
         zh="墨是 1,纸是 0,放进 20 x 20 的框,重心居中:MNIST 就是这样做的。")

# %% One drawing, step by step | 同一幅画,一步一步
ask("One drawing at each step: when is it read rightly?", zh="同一幅画,从哪一步起认对了?")
figure, shown = new_figure(15, 3.5), 13
for axes, (name, prepared) in zip(figure.subplots(1, 6), stages.items(), strict=True):
    answer = answers[name][shown]
    axes.imshow(prepared[shown], cmap="gray", vmin=0, vmax=1)
    axes.set(title=name, xticks=[], yticks=[])
    axes.set_xlabel(f"→ {answer}", color=BLUE if answer == labels[shown] else RED)
show(figure, "15_stages")
assert answer == labels[shown], "prepared as MNIST was, the drawing is read"
remember("Look at what the network gets, not at the screen.", zh="要看网络收到什么,别只看屏幕。")

# %% Exercises | 练习
say("1. 60 wide, 120 high: how wide and high in the box?", zh="1. 宽 60、高 120,在框里多宽多高?")
# check("15.1", [0, 0])
say("2. Ink 1 in row 10, 3 in row 14: the centre?", zh="2. 第 10 行墨 1,第 14 行墨 3,重心在第几行?")
# check("15.2", 0)
assert check("15.2", (1 * 10 + 3 * 14) / (1 + 3)), "each row counts as often as it has ink"
