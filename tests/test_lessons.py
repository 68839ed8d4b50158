"""The lessons run, in both languages and within their times, and keep the form of a lesson."""

import ast
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))
GLOSSARY = {
    "convolution": "卷积", "pooling": "池化", "fully connected": "全连接", "loss": "损失",
    "optimiser": "优化器", "gradient": "梯度", "learning rate": "学习率", "kernel": "卷积核",
    "weight": "权重", "bias": "偏置", "network": "网络", "training set": "训练集",
    "test set": "测试集", "batch": "批", "epoch": "轮", "accuracy": "准确率",
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


def literal(node):
    """The text of a string, f-string or concatenation, what is computed left out."""
    return "".join(part.value for part in ast.walk(node)
                   if isinstance(part, ast.Constant) and isinstance(part.value, str))


def run(path, language, *options):
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path), "--lang", language, *options], cwd=ROOT,
        capture_output=True, text=True, timeout=180,
        # One thread for matrix products: beside other programs two get in each other's way.
        env=os.environ | {"LESSONS_AUTO": "1", "PYTHONIOENCODING": "utf-8",
                          "OPENBLAS_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    return done.stdout, time.perf_counter() - began


# --- the form ----------------------------------------------------------------------------


@each_lesson
def test_its_size_and_its_cells(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert 40 <= len(lines) <= 120, "a lesson fits on a few slides"
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
def test_its_exercises_can_be_checked(path):
    number = int(path.name[:2])
    _, code = cells(path)[-1]
    lines = re.findall(rf'^# check\("({number}\.\d)", .+\)$', code, flags=re.MULTILINE)
    assert 2 <= len(lines) <= 3
    sys.path.insert(0, str(ROOT / "lessons"))
    from answers import ANSWERS

    for exercise in lines:
        expected, english, chinese = ANSWERS[exercise]
        assert expected is not None
        assert english.endswith(".")
        assert chinese.endswith("。")


@each_lesson
def test_all_its_texts_are_in_both_languages(path):
    english, chinese = ast.get_docstring(tree(path)).splitlines()
    assert re.search(r"\(\d+ s\)$", english)
    assert re.search(r"\(\d+ 秒\)$", chinese)
    for call in calls(path, "say", "ask", "remember", "words"):
        (translation,) = [keyword.value for keyword in call.keywords if keyword.arg == "zh"]
        assert literal(call.args[0]).strip() or any(
            isinstance(node, ast.FormattedValue) for node in ast.walk(call.args[0]))
        if re.search(r"[a-z]{4}", literal(call.args[0])):
            assert re.search(r"[一-鿿]", literal(translation)), literal(call.args[0])


@each_lesson
def test_its_terms_are_translated_alike(path):
    for call in calls(path, "say", "ask", "remember"):
        english = literal(call.args[0]).lower()
        chinese = literal(next(k.value for k in call.keywords if k.arg == "zh"))
        for term, translation in GLOSSARY.items():
            if re.search(rf"\b{term}(s|es)?\b", english):
                assert translation in chinese, f"{term} is {translation}: {chinese}"


# --- it runs -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
@each_lesson
def test_it_runs_within_its_time(path, language):
    _, seconds = run(path, language, "--fast")
    allowed = int(re.search(r"\((\d+) s\)", ast.get_docstring(tree(path)))[1])
    assert allowed <= 90
    assert seconds < 3 * allowed, "it takes much longer than it says"


@pytest.mark.slow
def test_its_numbers_are_the_same_each_time():
    path = LESSONS[0]
    assert run(path, "en", "--fast")[0] == run(path, "en", "--fast")[0]


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


def test_an_unknown_lesson():
    done = on_stage("77")
    assert done.returncode == 2
    assert "there is no lesson 77" in done.stderr


@pytest.mark.slow
def test_a_lesson_on_stage():
    done = on_stage("5", "--lang", "zh", "--auto")
    assert done.returncode == 0, done.stderr
    assert "--- 1/5  一小块、一个核、一个和" in done.stdout
    assert "19" in done.stdout


def test_a_wrong_answer_gets_a_hint(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "lessons"))
    monkeypatch.setenv("LESSONS_LANG", "en")
    import stage

    assert stage.check("5.1", [3, 5])
    assert not stage.check("5.1", [3, 4])
    assert not stage.check("5.1", "three")
    assert "not yet. A 3x3 kernel fits" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "lines"), [
    ("one two three", ["one two", "three"]),
    ("一二三四五六七", ["一二三四", "五六七"]),
    ("一二三四,五六", ["一二三四,", "五六"]),
    ("一二 3x3 的核", ["一二 3x3", "的核"]),
    ("", [""]),
])
def test_texts_are_wrapped_by_what_they_take_on_the_screen(monkeypatch, text, lines):
    monkeypatch.syspath_prepend(str(ROOT / "lessons"))
    import stage

    assert stage.wrapped(text, 8) == lines
