"""The answer: sure, not sure, or none; steps that are left out; networks side by side."""

import json

import pytest
from visitor import (
    DIGITS,
    draw_with_mouse,
    picture,
    questions,
    sees,
    sees_an_answer,
    sees_nothing,
    until,
)

from tinygrad_mnist import models

SMALL = [[(0.1 + 0.35 * x, 0.08 + 0.3 * y) for x, y in stroke] for stroke in DIGITS[7]]
"""A seven in a corner of the paper."""


def answering(page, change):
    """The server's next answers, changed by `change(answer)`."""
    def handle(route):
        answer = route.fetch().json()
        change(answer)
        route.fulfill(json=answer)
    page.route("**/api/predict", handle)


def unsure(answer):
    for result in answer["results"]:
        result.update(sure=False, digit=4, probabilities=[0.01] * 4 + [0.5] + [0.01] * 4 + [0.42])


def test_the_empty_page_guesses_nothing_and_asks_nothing(visit):
    page = visit("?lang=en")
    asked = questions(page)
    assert page.inner_text("#claim") == "Nothing yet"
    assert page.inner_text("#digit") == ""
    assert page.locator("#inside-empty").is_visible()
    page.keyboard.press("Delete")
    page.click("label:has(#step-inverted)")
    assert asked == []


def test_there_is_a_bar_for_each_digit_and_the_longest_is_the_answer(visit):
    page = visit()
    draw_with_mouse(page, DIGITS[3])
    sees(page, 3)
    bars = page.locator("#bars li")
    assert bars.count() == 10
    shares = [float(bars.nth(i).locator(".share").inner_text().rstrip(" %")) for i in range(10)]
    assert max(shares) == shares[3]
    assert sum(shares) == pytest.approx(100, abs=0.6)
    assert bars.nth(3).get_attribute("class") == "sure"


def test_the_answer_is_spoken_once_the_pen_is_up(visit):
    page = visit()
    assert page.get_attribute("#spoken", "role") == "status"
    draw_with_mouse(page, DIGITS[3])
    until(page, lambda: page.inner_text("#spoken").startswith("It is a 3"))
    page.click("#clear")
    assert page.inner_text("#spoken") == ""


def test_it_says_not_sure_when_it_is_not(visit):
    page = visit()
    answering(page, unsure)
    draw_with_mouse(page, DIGITS[4])
    sees(page, "?")
    assert page.inner_text("#claim") == "Not sure"
    assert page.inner_text("#detail") == "Perhaps a 4 (50.0 %), perhaps a 9 (42.0 %)."
    assert page.inner_text("#spoken").startswith("Not sure")
    assert page.get_attribute("#bars li:nth-child(5)", "class") == "unsure"


def sure_from(page, threshold):
    """The page, begun anew with networks that are sure from this probability on."""
    def handle(route):
        answer = route.fetch().json()
        answer["models"] = [each | {"sure_from": threshold} for each in answer["models"]]
        route.fulfill(json=answer)

    page.route("**/api/models", handle)
    page.reload()
    return page


def test_where_not_sure_begins_is_drawn_and_explained(visit):
    page = sure_from(visit(), 0.625)
    page.locator("#bars.lined").wait_for()
    assert "dashed line is at 62.5 %" in page.inner_text("#sure-from")
    line = page.eval_on_selector("#bars", "bars => bars.style.getPropertyValue('--sure-from')")
    assert line == "0.625"


def test_a_line_close_to_certainty_is_told_from_it_and_seen(visit):
    page = sure_from(visit(), 0.9999921)
    page.get_by_text("The dashed line is at 99.9992 %").wait_for()
    left, width = page.eval_on_selector(
        ".track", "track => [parseFloat(getComputedStyle(track, '::after').left), "
                  "track.clientWidth]")
    assert left == pytest.approx(width - 2, abs=0.5)


def test_a_network_that_is_never_sure_says_so(visit):
    page = visit("?lang=en&model=linear")
    page.get_by_text("This network never says that it is sure").wait_for()
    assert page.locator("#bars.lined").count() == 0


def test_it_is_an_eight(visit):
    page = visit()
    answering(page, lambda answer: [result.update(digit=8, sure=True) for result
                                    in answer["results"]])
    draw_with_mouse(page, DIGITS[8])
    sees(page, 8)
    assert page.inner_text("#claim") == "It is an 8"


@pytest.mark.parametrize("step", ["inverted", "cropped", "scaled", "same_pen", "centred"])
def test_a_step_that_is_switched_off_is_left_out(visit, step):
    page = visit()
    asked = questions(page)
    draw_with_mouse(page, SMALL)
    sees(page, 7)
    assert page.locator("#left-out").is_hidden()
    before = picture(page, 5)
    page.click(f"label:has(#step-{step})")
    until(page, lambda: picture(page, 5) != before)
    assert asked[-1]["steps"] == {name: name != step for name in asked[-1]["steps"]}
    assert page.locator("#left-out").is_visible()
    page.click("#all-steps")
    until(page, lambda: picture(page, 5) == before)
    assert page.locator("#left-out").is_hidden()


def test_without_inverting_the_talks_own_failure_is_seen(visit):
    page = visit()
    draw_with_mouse(page, SMALL)
    sees(page, 7)
    for step in ("inverted", "cropped", "scaled", "same_pen", "centred"):
        page.click(f"label:has(#step-{step})")
    until(page, lambda: page.inner_text("#digit") != "7")


def test_the_strip_begins_with_the_page_as_drawn(visit):
    page = visit()
    draw_with_mouse(page, DIGITS[1])
    sees(page, 1)
    corner_and_middle = """canvas => {
        const { width, height } = canvas;
        const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
        return [data[0], data[4 * (width * width / 2 + width / 2)]]; }"""
    strip = page.locator("#strip canvas")
    corner, middle = strip.nth(0).evaluate(corner_and_middle)
    assert corner == 255
    assert middle < 64
    assert strip.nth(5).evaluate(corner_and_middle) == [0, 255]


def test_networks_stand_side_by_side(visit):
    page = visit()
    asked = questions(page)
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    assert set(asked[-1]["models"]) >= {"linear", "seed"}
    for name in ("linear", "seed"):
        card = page.locator(f".card:has(#card-{name})")
        facts = card.locator("dd").all_inner_texts()
        assert facts[0] == f"{models.count_parameters(models.create(name)):,}"
        assert float(facts[1]) > 0
        assert card.locator(".digit").inner_text() in "7?"


def test_another_network_can_be_chosen(visit):
    page = visit()
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    asked = questions(page)
    page.select_option("#model", "linear")
    until(page, lambda: asked and asked[-1]["models"][0] == "linear")


def test_what_is_given_away_is_kept_with_its_label(visit, given_away):
    page = visit()
    draw_with_mouse(page, DIGITS[1])
    sees(page, 1)
    page.click("#feedback summary")
    page.click("#feedback button[aria-label='It was a 7']")
    page.get_by_text("Kept as a 7. Thank you.").wait_for()
    kept = json.loads(given_away.read_text().splitlines()[-1])
    assert kept["label"] == 7
    assert len(kept["strokes"]) == 1
    assert set(kept) <= {"label", "strokes"}


def test_what_could_not_be_kept_is_said(visit):
    page = visit()
    page.expected = ("503",)
    page.route("**/api/feedback", lambda route: route.fulfill(status=503))
    draw_with_mouse(page, DIGITS[1])
    sees(page, 1)
    page.click("#feedback summary")
    page.click("#feedback button[aria-label='It was a 7']")
    page.get_by_text("It may not have been kept: the server is busy").wait_for()
    assert page.locator("#banner").is_hidden()


def test_a_test_digit_is_not_given_away(visit):
    page = visit()
    page.click("#picker summary")
    page.locator("#samples button").first.click()
    sees(page, 0)
    page.click("#feedback summary")
    page.click("#feedback button[aria-label='It was a 7']")
    page.get_by_text("Only what you have drawn yourself").wait_for()


def test_clearing_empties_every_section(visit):
    page = visit("?lang=en&model=linear")
    draw_with_mouse(page, DIGITS[7])
    sees_an_answer(page)
    page.locator(".layer").first.wait_for()
    page.click("#clear")
    sees_nothing(page)
    assert page.locator("#bars .share").all_inner_texts() == [""] * 10
    assert set(page.locator(".says").all_inner_texts()) == {"nothing to read yet"}
    assert page.locator(".layer").count() == 0
