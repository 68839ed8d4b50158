"""The texts of the page: both languages say everything, and nothing that nobody asks for."""

import json
import re
from pathlib import Path

import pytest

import webapp

FOLDER = Path(webapp.__file__).parent
TEXTS = {language: json.loads((FOLDER / f"static/texts/{language}.json").read_text("utf-8"))
         for language in ("en", "zh")}
SOURCES = [*(FOLDER / "static").glob("*.js"), FOLDER / "templates/index.html"]
WRITTEN = "".join(source.read_text("utf-8") for source in SOURCES)


def test_both_languages_have_the_same_keys_in_the_same_order():
    assert list(TEXTS["en"]) == list(TEXTS["zh"])


@pytest.mark.parametrize("key", TEXTS["en"])
def test_both_languages_have_the_same_gaps_to_fill(key):
    gaps = [set(re.findall(r"\{(\w+)\}", texts[key])) for texts in TEXTS.values()]
    assert gaps[0] == gaps[1]
    assert all(texts[key].strip() for texts in TEXTS.values())


def test_every_text_that_the_page_asks_for_exists():
    asked = set(re.findall(r"""(?:say\("|data-text="|data-name=")([a-z_]+\.[\w.]+)\"""", WRITTEN))
    assert len(asked) > 40
    assert asked <= set(TEXTS["en"])


def test_every_text_is_asked_for():
    """As a whole, or by its beginning where the end is a name: say(`steps.${name}.why`)."""
    beginnings = set(re.findall(r"`([a-z_.]+)\$\{", WRITTEN))
    for key in TEXTS["en"]:
        assert f'"{key}"' in WRITTEN or f"'{key}'" in WRITTEN or any(
            key.startswith(each) for each in beginnings), key


def test_chinese_has_chinese_punctuation():
    for key, text in TEXTS["zh"].items():
        assert not re.search(r"[\u4e00-\u9fff][,:;?!()]|[,:;?!()][\u4e00-\u9fff]", text), key
