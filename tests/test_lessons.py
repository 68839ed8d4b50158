"""The lessons keep their form, run in both languages and within their times, and teach no lies."""

import ast
import os
import re
import runpy
import subprocess
import sys
from math import log
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).parent.parent
with threadpool_limits():  # the one thread that stage takes is for lessons, not for other tests
    sys.path.insert(0, str(ROOT / "lessons"))
    import board
    import stage
    from answers import ANSWERS

LESSONS = sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))
GLOSSARY = {
    "convolution": "卷积", "pooling": "池化", "fully connected": "全连接", "loss": "损失",
    "optimiser": "优化器", "gradient": "梯度", "learning rate": "学习率", "kernel": "卷积核",
    "weight": "权重", "bias": "偏置", "network": "网络", "training set": "训练集",
    "test set": "测试集", "batch": "批", "epoch": "轮", "accuracy": "准确率",
}
RIGHT = {  # the exercises, worked out
    "1.1": 2 * 10 + 10, "1.2": (1**2 + 2**2) / 2, "1.3": 3 - 0.1 * 4,
    "2.1": 16 + 3 * 4 * 5, "2.2": 2 * 256 + 10, "2.3": 3 * 100 * 200,
    "3.1": 156 + 1, "3.2": 10000 - 156 * 64, "3.3": 1028,
    "4.1": 2 * (6 * 2 - 10) * 2, "4.2": 3 + 1, "4.3": [3 * 4, 2 * 4, 2 * 3],
    "5.1": [5 - 3 + 1, 7 - 3 + 1], "5.2": 9 + 1,
    "6.1": [3 * 3, 64 * 26 * 26], "6.2": [1, 3 * 3],
    "7.1": [5, (1 + 5 + 3 + 2) / 4], "7.2": [10, 0, 0, 0], "7.3": [24 // 4, 20 // 4],
    "8.1": 1 * 4 - 2 * 1 + 3, "8.2": 1568 * 16 + 16,
    "9.1": 32 * 16 * 5 * 5 + 32, "9.2": [64 // 4, 64 // 4],
    "10.1": -log(1), "10.2": [0.2, 0.7 - 1, 0.1], "10.3": log(26),
    "11.1": 1 - 0.1 * 3, "11.2": 0.9 * 1 + 1, "11.3": 1 - 2 * 1,
    "12.1": 3 * 60000 // 100, "12.2": 4 * (784 * 10 + 10),
    "13.1": (90 + 7) / (90 + 2 + 1 + 7), "13.2": 1,
    "14.1": 32 * 16 * 3 * 3 + 32, "14.2": 8 // 2 // 2,
    "15.1": [60 * 20 / 120, 20], "15.2": (1 * 10 + 3 * 14) / (1 + 3),
    "16.1": 2 * 200**3, "16.2": 2 * 150 / 3,
    "17.1": [60 // 4 - 7 + 1] * 2, "17.2": 7 * 7 * 2,
    "18.1": 64 * 28 + 64 + 64 * 64 + 10 * 64 + 10, "18.2": 0.5**4,
    "19.1": 3 / 4 * 4 + 1 / 4 * 8, "19.2": 2 * (5 - 1) * 1000 / 5,
    "20.1": [3 * 2 + 1] * 2, "20.2": 64 * 64,
}
TERMS = {  # what remains English in Chinese: names in code, names of things, units
    "Tensor", "Conv2d", "MaxPool2d", "AvgPool2d", "Linear", "ReLU", "Flatten", "SGD", "softmax",
    "kernel_size", "stride", "padding", "dtype", "shape", "float32", "uint8", "nan", "grad", "lr",
    "weight", "input", "output", "error", "loss", "bias", "multiply", "subtract", "content",
    "sum", "max", "log", "tanh", "logit", "im2col", "col2im", "cpu", "linear", "mlp", "seed",
    "MNIST", "JSON", "data_offsets", "metadata__", "epochs", "arXiv", "R-CNN", "Fast", "Faster",
    "VGG", "YOLO", "SSD", "OverFeat", "GAN", "CPU", "GPU", "CuPy", "NumPy", "Python", "km", "Gbit",
    "LeNet", "lenet", "AlexNet", "GoogLeNet", "NIPS", "IEEE",
    "MPI", "Allreduce", "mpiexec", "python", "tinygrad_mnist", "train", "model", "workers",
}

each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(path, *names):
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name) and node.func.id in names]


def cells(path):
    """(title, code) of each cell."""
    parts = re.split(r"^# %% (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def texts(path, *names):
    """(English, Chinese) of each call that speaks."""
    for call in calls(path, *(names or ("say", "ask", "remember", "words", "label", "exercise"))):
        (chinese,) = [keyword.value for keyword in call.keywords if keyword.arg == "zh"]
        yield call.args[call.func.id == "exercise"], chinese


def literal(node):
    """The text of a string, f-string or concatenation, what is computed left out."""
    return "".join(part.value for part in ast.walk(node)
                   if isinstance(part, ast.Constant) and isinstance(part.value, str))


def run(path, *arguments):
    """What it prints, and its seconds of processor time: those of a clock depend on others."""
    began = processor_seconds()
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments], cwd=ROOT,
        capture_output=True, text=True, timeout=180,
        env=os.environ | {"LESSONS_AUTO": "1", "LESSONS_FAST": "1", "PYTHONIOENCODING": "utf-8",
                          "LESSON": str(path)})
    assert done.returncode == 0, done.stderr
    return done.stdout, processor_seconds() - began


def processor_seconds():
    used = os.times()
    return used.children_user + used.children_system


# Runs a lesson in Chinese and prints the words of its figures as well, whether or not this
# machine has letters to draw them with.
READ_OUT = """
import os, runpy, sys
sys.path.insert(0, "lessons")
os.environ["LESSONS_LANG"] = "zh"
import board, matplotlib, stage

def read_out(name):
    import matplotlib.pyplot as plt
    for text in plt.gcf().findobj(matplotlib.text.Text):
        print(text.get_text())
    if board.chinese_font():
        show(name)
    else:
        plt.close()

show, board.show, board.label = board.show, read_out, stage.words
runpy.run_path(os.environ["LESSON"], run_name="__main__")
"""


# --- the form ----------------------------------------------------------------------------


@each_lesson
def test_its_size_and_its_cells(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert 40 <= len(lines) <= 90, "a lesson fits on a few slides"
    titles = [title for title, _ in cells(path)]
    assert 5 <= len(titles) <= 8
    assert all(title.count(" | ") == 1 for title in titles), "a title is English | Chinese"
    assert titles[-1] == "Exercises | 练习"


@each_lesson
def test_its_cells_ask_claim_and_remember(path):
    for title, code in cells(path)[:-1]:
        names = [node.func.id for node in ast.walk(ast.parse(code))
                 if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        assert "ask" in names, f"{title}: nothing is asked"
        assert "remember" in names, f"{title}: nothing to remember"
        claims = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Assert)]
        assert claims, f"{title}: nothing is claimed"
        assert all(claim.msg is not None for claim in claims), f"{title}: a claim does not teach"


@each_lesson
def test_its_exercises_are_checked_by_a_line_to_uncomment(path, capsys, monkeypatch):
    monkeypatch.setenv("LESSONS_LANG", "en")
    _, code = cells(path)[-1]
    found = re.findall(r'^check = exercise\("(\d+\.\d)",.*?\)\n# (check\([^\n]+\))$', code,
                       flags=re.MULTILINE | re.DOTALL)
    assert [number for number, _ in found] == [
        f"{int(path.name[:2])}.{place}" for place in range(1, len(found) + 1)]
    assert 2 <= len(found) <= 3
    for number, line in found:
        for answered, told in ((line, f"[{number}] not yet. {ANSWERS[number][1]}"),
                               (f"check({RIGHT[number]})", f"[{number}] right.")):
            before, after = code.split(f'"{number}"')
            uncommented = after.replace(f"# {line}", answered, 1)
            exec(f'{before}"{number}"{uncommented}', {"exercise": stage.exercise})
            printed = " ".join(capsys.readouterr().out.split())
            assert told in printed


def test_no_answer_is_given_away():
    assert ANSWERS.keys() == RIGHT.keys()
    for number, (fingerprint, english, chinese) in ANSWERS.items():
        assert re.fullmatch("[0-9a-f]{8}", fingerprint), number
        assert re.search(r"[.?t]$", english), number
        assert re.search("[。?…度]$", chinese), number
        right = RIGHT[number] if isinstance(RIGHT[number], list) else [RIGHT[number]]
        for hint in (english, chinese):
            for sum_of in re.findall(r"\d[\d .,*/+()-]*\d", hint):
                assert eval(sum_of.replace(",", "")) not in right, f"{number}: {hint}"


@pytest.mark.parametrize(("one", "other", "same"), [
    (2.303, 2.30258, True), (2.3, 2.4, False), ([3, 5], (3, 5.0), True), ([3, 5], [5, 3], False),
    (31400, 31401, False), ("Three ", "three", True), ([0.2, 0.7 - 1], [0.2, -0.3], True),
])
def test_an_answer_is_known_again(one, other, same):
    assert (stage.fingerprint("1.1", one) == stage.fingerprint("1.1", other)) == same


@each_lesson
def test_all_its_texts_are_in_both_languages(path):
    english, chinese = ast.get_docstring(tree(path)).splitlines()
    assert re.search(r"\(\d+ s\)$", english)
    assert re.search(r"\(\d+ 秒\)$", chinese)
    for english, chinese in texts(path):
        assert literal(english).strip() or any(
            isinstance(node, ast.FormattedValue) for node in ast.walk(english))
        if re.search(r"[a-z]{4}", literal(english)):
            assert re.search(r"[一-鿿]", literal(chinese)), literal(english)


@each_lesson
def test_its_terms_are_translated_alike(path):
    for english, chinese in texts(path, "say", "ask", "remember", "exercise"):
        for term, translation in GLOSSARY.items():
            if re.search(rf"\b{term}(s|es)?\b", literal(english).lower()):
                assert translation in literal(chinese), f"{term}: {translation}, {literal(chinese)}"


# --- it runs -----------------------------------------------------------------------------


@pytest.mark.slow
@each_lesson
def test_it_runs_within_its_time(path):
    _, seconds = run(path, str(path), "--lang", "en")
    allowed = int(re.search(r"\((\d+) s\)", ast.get_docstring(tree(path)))[1])
    assert allowed <= 90
    assert seconds < 3 * allowed + 5, "it takes much longer than it says"  # 5: Matplotlib's fonts


@pytest.mark.slow
@each_lesson
def test_in_chinese_it_prints_and_draws_no_english(path):
    printed, _ = run(path, "-c", READ_OUT)
    printed = re.sub(r"“[^”]*”|lessons/figures/\S+", "", printed)  # quotations, and files
    assert not set(re.findall(r"[A-Za-z][A-Za-z0-9_-]*[A-Za-z][A-Za-z0-9_]*", printed)) - TERMS


@pytest.mark.slow
@pytest.mark.parametrize("path", [LESSONS[2], LESSONS[10]], ids=lambda path: path.stem)
def test_its_numbers_are_the_same_each_time(path):
    assert run(path, str(path), "--lang", "en")[0] == run(path, str(path), "--lang", "en")[0]


# --- on stage ----------------------------------------------------------------------------


def on_stage(*arguments, language="en"):
    return subprocess.run([sys.executable, "-m", "lessons", *arguments], cwd=ROOT, text=True,
                          capture_output=True, timeout=120,
                          env=os.environ | {"LESSONS_LANG": language, "PYTHONIOENCODING": "utf-8"})


@pytest.mark.parametrize(("language", "word"), [("en", "Convolution"), ("zh", "卷积")])
def test_the_list(language, word):
    listed = on_stage(language=language).stdout.splitlines()
    assert len(listed) == len(LESSONS)
    assert any(word in line for line in listed)


def test_a_reader_that_goes_away_is_no_disaster():
    """`python -m lessons | head -1`."""
    command = f"{sys.executable} -W error -m lessons --lang en | head -1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


@pytest.mark.parametrize(("arguments", "language"), [
    (["--lang", "zh"], "zh"), (["--lang=zh"], "zh"), (["--fast", "--lang=en"], "en"), ([], "zh")])
def test_the_language_is_what_a_script_is_told(monkeypatch, arguments, language):
    monkeypatch.setattr(sys, "argv", ["01_learning.py", *arguments])
    monkeypatch.setenv("LESSONS_LANG", "zh")
    assert stage.language() == language


def test_without_room_for_its_figure_a_lesson_goes_on(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(board, "FIGURES", tmp_path / "no" / "folder")
    monkeypatch.setattr(board, "_on_screen", lambda: False)
    board.new_figure(1, 1)
    board.show("01_line")
    assert capsys.readouterr().out.rstrip().endswith("No such file or directory")


def test_an_unknown_lesson():
    done = on_stage("77")
    assert done.returncode == 2
    assert "there is no lesson 77" in done.stderr


@pytest.mark.slow
def test_a_lesson_on_stage():
    done = on_stage("5", "--lang", "zh", "--auto")
    assert done.returncode == 0, done.stderr
    assert "--- 1/6  一小块、一个核、一个和" in done.stdout
    assert "19" in done.stdout


@pytest.mark.parametrize(("text", "lines"), [
    ("one two three", ["one two", "three"]),
    ("一二三四五六七", ["一二三四", "五六七"]),
    ("一二三四,五六", ["一二三四,", "五六"]),
    ("一二 3x3 的核", ["一二 3x3", "的核"]),
    ("", [""]),
])
def test_texts_are_wrapped_by_what_they_take_on_the_screen(text, lines):
    assert stage.wrapped(text, 8) == lines


def test_on_stage_a_cell_is_run_again_as_it_is_in_the_file_by_then(tmp_path, monkeypatch, capsys):
    program = runpy.run_path(str(ROOT / "lessons/__main__.py"), run_name="program")
    lesson = tmp_path / "01_small.py"
    lesson.write_text('"""Small. (1 s)\n小。(1 秒)\n"""\n\n# %% One | 一\nprint("one")\n\n'
                      '# %% Two | 二\nprint("before")\n', encoding="utf-8")

    def edited(old, new):
        lesson.write_text(lesson.read_text("utf-8").replace(old, new), encoding="utf-8")

    def typed():
        yield ""
        edited('"before"', '"aft')
        yield "a"                       # a slip: it is shown, and nothing ends
        edited('"aft', '"after"')
        yield "a"
        yield "b"

    keys = typed()

    def type_or_end(prompt):
        for key in keys:
            return key
        raise EOFError

    monkeypatch.setattr("builtins.input", type_or_end)
    assert not program["present"](lesson, pausing=True)
    printed = capsys.readouterr()
    assert [line for line in printed.out.splitlines() if line in ("one", "before", "after")] == [
        "one", "before", "after", "one"]
    assert "SyntaxError" in printed.err
