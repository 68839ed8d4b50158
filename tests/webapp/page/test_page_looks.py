"""Languages, colours, sizes, options of the address, and whether everybody can use the page."""

import re
from pathlib import Path

import pytest
from visitor import DIGITS, PHONE, draw_with_mouse, sees, sees_an_answer

DARK = {"color_scheme": "dark"}


def brightness(page, element="body"):
    """Of the background, 0 to 255."""
    colour = page.eval_on_selector(element, "each => getComputedStyle(each).backgroundColor")
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("language", "title", "other"),
                         [("en", "From the pen to the answer", "中文"),
                          ("zh", "从笔尖到答案", "English")])
def test_the_page_speaks_two_languages(visit, language, title, other):
    page = visit(f"?lang={language}&model=seed")
    assert page.inner_text("h1") == title
    assert page.get_attribute("html", "lang").startswith(language)
    assert page.locator("[data-text]:empty").count() == 0
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    page.click("#other-language")
    page.locator("h1").filter(has_text=title).wait_for(state="detached")
    assert page.inner_text("#other-language") != other
    sees(page, 7)  # the drawing came along


def test_the_language_is_the_browsers(visit):
    assert visit("", locale="zh-TW").inner_text("h1") == "从笔尖到答案"
    assert visit("", locale="de-DE").inner_text("h1") == "From the pen to the answer"


def test_light_and_dark_as_the_system_prefers(visit):
    assert brightness(visit()) > 200
    assert brightness(visit(**DARK)) < 60


def test_light_and_dark_by_button_and_by_address(visit):
    page = visit("?lang=en&theme=dark")
    assert brightness(page) < 60
    page = visit()
    page.click("#theme")
    assert brightness(page) < 60
    page.reload()
    page.locator("#theme").filter(has_text="Light").wait_for()
    assert brightness(page) < 60


def test_maps_are_painted_again_in_other_colours(visit):
    page = visit("?lang=en&model=seed")
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    page.locator("#inside").scroll_into_view_if_needed()
    page.locator(".ledger").wait_for()
    corner = """canvas => {
        const pen = new OffscreenCanvas(1, 1).getContext('2d');
        pen.drawImage(canvas, 0, 0);
        return Math.max(...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)); }"""
    first_map = page.locator(".maps canvas").first  # the picture: its corner is paper, 0
    assert first_map.evaluate(corner) > 200
    page.click("#theme")
    assert first_map.evaluate(corner) < 60


@pytest.mark.parametrize(("width", "height"), [(320, 640), (390, 844), (768, 1024), (1280, 800),
                                               (1920, 1080)])
def test_nothing_is_wider_than_the_screen(visit, width, height):
    page = visit("?lang=en&model=lenet", viewport={"width": width, "height": height})
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    page.click("#picker summary")
    page.locator("#inside").scroll_into_view_if_needed()
    page.locator(".ledger").wait_for()
    assert fits(page)


def test_the_answer_is_in_sight_while_a_phone_is_drawn_on(visit):
    page = visit(**PHONE)
    pad, answer = (page.locator(each).bounding_box() for each in ("#pad", "#verdict"))
    assert pad["y"] + pad["height"] < answer["y"]
    assert answer["y"] + answer["height"] <= 844


@pytest.mark.parametrize(("address", "width", "height"), [
    ("?lang=en&presenter=1", 1280, 720), ("?lang=zh&presenter=1", 1366, 768),
    ("?lang=en&large=1", 1024, 768), ("?lang=en", 640, 360), ("?lang=en", 568, 320),
    ("?lang=en", 640, 450)])
def test_the_answer_and_all_of_the_paper_are_in_sight(visit, address, width, height):
    """On a projector, on a telephone that lies on its side, and at 200 %."""
    page = visit(f"{address}&model=seed&hide=inside", viewport={"width": width, "height": height})
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    page.locator(".paper").evaluate("paper => paper.scrollIntoView({ block: 'start' })")
    pad, answer = (page.locator(each).bounding_box() for each in ("#pad", "#verdict"))
    assert pad["y"] >= -1
    assert pad["y"] + pad["height"] <= answer["y"]
    assert answer["y"] + answer["height"] <= height


def test_the_answer_is_beside_the_paper_on_a_wide_screen(visit):
    page = visit()
    pad, answer = (page.locator(each).bounding_box() for each in ("#pad", "#verdict"))
    assert answer["x"] > pad["x"] + pad["width"]
    assert abs(answer["y"] - pad["y"]) < 50


def test_sections_can_be_hidden_by_the_address(visit):
    page = visit("?lang=en&model=seed&hide=steps,models,feedback")
    asked = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    for section in ("#steps", "#models", "#feedback"):
        assert page.locator(section).is_hidden()
    assert page.locator("#inside").is_visible()
    assert not any("linear" in each for each in asked)


def test_a_presenter_gets_large_type_and_no_settings(visit):
    size = "document.querySelector('#claim').getBoundingClientRect().height"
    normal = visit(viewport={"width": 1920, "height": 1080}).evaluate(size)
    page = visit("?lang=en&presenter=1", viewport={"width": 1920, "height": 1080})
    assert page.evaluate(size) > 1.25 * normal
    assert page.locator("nav").is_hidden()
    assert fits(page)
    pad = page.locator("#pad").bounding_box()
    assert pad["y"] + pad["height"] < 1080


def test_a_model_that_there_is_not_is_not_asked_for(visit):
    page = visit("?lang=en&model=gpt")
    assert page.input_value("#model") != "gpt"


def test_reduced_motion_is_respected(visit):
    moving = "getComputedStyle(document.querySelector('.fill')).transitionDuration"
    assert visit(reduced_motion="no-preference").evaluate(moving) == "0.15s"
    assert visit(reduced_motion="reduce").evaluate(moving) == "0s"


# --- everybody ---


@pytest.fixture(scope="module")
def axe():
    """axe-core's source, as the package axe-playwright-python carries it."""
    package = pytest.importorskip("axe_playwright_python", reason="no Chromium: no axe")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(("query", "options"), [
    ("?lang=en&model=seed", {}), ("?lang=zh&model=linear", DARK), ("?lang=en&model=lenet", PHONE),
    ("?lang=zh&model=seed&presenter=1", {"viewport": {"width": 1920, "height": 1080}})])
def test_axe_finds_nothing(visit, axe, query, options):
    page = visit(query, **options)

    def violations():
        page.evaluate(axe)
        found = page.evaluate("axe.run()")["violations"]
        return [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found]

    assert violations() == []  # while nothing is drawn
    draw_with_mouse(page, DIGITS[7])
    sees_an_answer(page)
    page.click("#picker summary")
    page.click("#feedback summary")
    page.locator("#samples button").first.wait_for()
    if page.locator("#step-centred").is_visible():
        page.click("label:has(#step-centred)")
    page.locator("#inside").scroll_into_view_if_needed()
    page.locator(".ledger").wait_for()
    assert violations() == []  # with everything open


def test_tab_reaches_every_tool_and_shows_where_it_is(visit):
    page = visit()
    reached = []
    for _ in range(15):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.name"))
        outline = page.evaluate("""(() => { const at = document.activeElement;
            return getComputedStyle(at.closest('.choice') ?? at).outlineStyle; })()""")
        assert outline != "none", reached
    wanted = ["other-language", "theme", "pad", "undo", "redo", "clear", "pen", "step-inverted",
              "step-centred", "model"]
    assert [each for each in reached if each in wanted] == wanted
