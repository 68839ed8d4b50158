"""The answers to the exercises, and a hint for whoever is not there yet.

    "5.1": (the answer, hint in English, hint in Chinese)

An answer is a number, a list of numbers or a word; numbers may be off by a thousandth.
"""

from typing import Any

ANSWERS: dict[str, tuple[Any, str, str]] = {
    "5.1": ([3, 5], "A 3x3 kernel fits into 5 rows at 3 places, and into 7 columns at 5.",
            "3x3 的卷积核在 5 行里有 3 个位置,在 7 列里有 5 个位置。"),
    "5.2": ([0, 0, 0], "Where all pixels are alike, minus on the left cancels plus on the right.",
            "像素都一样的地方,左边的负和右边的正互相抵消。"),
    "5.3": (10, "Nine weights and one bias for each kernel.", "每个卷积核有九个权重和一个偏置。"),
}
