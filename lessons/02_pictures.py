"""A picture is a matrix of numbers: from the bytes of a file to what a network is fed. (1 s)
图片就是数字矩阵:从文件里的字节,到送进网络的数。(1 秒)
"""

# %% Sixteen bytes | 十六个字节
import gzip

import numpy as np
from board import RED, label, numbers, outline, pictures, show
from stage import ask, exercise, remember, say

from tinygrad_mnist import datasets, transforms

with gzip.open(datasets.default_root() / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
    content = file.read()
ask("The file of the test pictures begins with these 16 bytes. What do they say?",
    zh="测试图片的文件以这 16 个字节开头。它们在说什么?")
print(*content[:16])
magic, count, rows, columns = (int.from_bytes(content[i:i + 4], "big") for i in (0, 4, 8, 12))
say(f"0 0 8 3: bytes, and three sizes. 0 0 39 16: how many pictures, 39*256 + 16 = {count}. "
    f"0 0 0 28, twice: {rows} rows, {columns} columns. So many bytes has the whole file:",
    zh=f"0 0 8 3:都是字节,有三个尺寸。0 0 39 16:图片张数,39*256 + 16 = {count}。"
    f"两个 0 0 0 28 是 {rows} 行 {columns} 列。整个文件的字节数:")
print(f"16 + {count}*{rows}*{columns} = {16 + count * rows * columns}")
assert magic == 8 * 256 + 3, "the first four bytes say: bytes, in three dimensions"
assert len(content) == 16 + count * rows * columns, "after the header, a byte for each pixel"
remember("A file of pictures is a short header, and then one byte for each pixel.",
         zh="图片文件就是一个短短的文件头,后面每个像素一个字节。")

# %% The first picture | 第一张图片
ask("Here is the first picture. Can you read it?", zh="这是第一张图片,看得出是什么吗?")
picture = np.frombuffer(content, np.uint8, 28 * 28, offset=16).reshape(28, 28)
inked = picture[7:27, 6:22]
for row in inked:
    print("".join(f"{pixel:4}" for pixel in row))
say("20 rows and 16 columns. All around is 0.", zh="一共 20 行 16 列,四周都是 0。")
assert inked.sum() == picture.sum(), "where there is no ink, there are only zeros"
whole, part = pictures([picture, picture[7:13, 16:22]], ["28 x 28", "6 x 6"], width=6)
numbers(part, picture[7:13, 16:22])
outline(whole, 16, 7, 6, 6, RED)
show("02_numbers")
remember("A grey picture is a matrix. In MNIST 0 is paper, and 255 is ink.",
         zh="灰度图就是一个矩阵。在 MNIST 里,0 是纸,255 是墨。")

# %% White on black, black on white | 黑底白字,白底黑字
ask("A scan is black ink on white paper: 0 is ink, 255 is paper. How does it become like MNIST?",
    zh="扫描件是白纸黑字:0 是墨,255 是纸。怎样变成 MNIST 的样子?")
scan = 255 - picture
print(";  ".join(f"255 - {old} = {255 - old}" for old in scan[9, 18:24]))
assert np.array_equal(255 - scan, picture), "the negative of the negative is the picture again"
pictures([picture, scan], [label("MNIST: ink 255", zh="MNIST:墨是 255"),
                           label("scan: ink 0", zh="扫描件:墨是 0")], width=4, cmap="gray")
show("02_negative")
remember("A network knows numbers, not ink. Give it ink as it was in training, or it is lost.",
         zh="网络只认数,不认墨。训练时墨是多少,用的时候也得是多少,不然它就糊涂了。")

# %% Colour is three matrices | 彩色是三个矩阵
ask("An orange 7 on white paper: how many numbers is that? And how bright is its ink in grey?",
    zh="白纸上一个橙色的 7,要多少个数?它的墨转成灰度有多亮?")
orange, ink = np.array([230, 159, 0]), picture / 255
colour = 255 * (1 - ink) + orange[:, None, None] * ink
print(f"{colour.shape}: 3 * 28 * 28 = {colour.size}")
print(f"0.299*230 + 0.587*159 + 0.114*0 = {orange @ [0.299, 0.587, 0.114]:.1f}")
assert colour.shape == (3, 28, 28), "one matrix each for red, green and blue: the channels"
pictures([colour.transpose(1, 2, 0) / 255, *colour], label("picture red green blue",
         zh="图片 红 绿 蓝").split(), width=3.6, cmap="gray", vmin=0, vmax=255)
show("02_colour")
remember("Grey is one matrix, colour is three.", zh="灰度图一个矩阵,彩色图三个:红、绿、蓝。")

# %% From bytes to what a network is fed | 从字节到网络的输入
ask("A byte holds 0 to 255. What is 250 + 10?", zh="一个字节能放 0 到 255。250 + 10 是多少?")
byte = np.uint8([250]) + np.uint8(10)
print("250 + 10 =", *byte)
assert byte == 260 - 256, "a byte starts again at 0: so compute with floats"
fed = transforms.ToTensor()(picture[None])
print(f"{picture[None].shape} {picture.dtype} -> {fed.shape} {fed.dtype}")
assert np.allclose(fed.numpy()[0, 0], ink), "ToTensor divides by 255, and adds the one channel"
remember("Networks are fed with (pictures, channels, rows, columns), each number from 0 to 1.",
         zh="送进网络的是(图片,通道,行,列),每个数在 0 到 1 之间。")

# %% Exercises | 练习
check = exercise("2.1", "Such a file holds 3 pictures of 4 rows and 5 columns. How many bytes?",
                 zh="这种格式的文件里有 3 张 4 行 5 列的图片,文件一共多少字节?")
# check(0)
check = exercise("2.2", "Four bytes say how many there are: 0 0 2 10. How many?",
                 zh="用四个字节表示个数:0 0 2 10。是多少个?")
# check(0)
check = exercise("2.3", "How many numbers hold a colour picture of 100 rows and 200 columns?",
                 zh="一张 100 行 200 列的彩色图片要多少个数?")
# check(0)
