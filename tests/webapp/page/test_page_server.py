"""The page and its server: one request at a time, and what happens when it is slow or gone."""

import contextlib
import json

import pytest
from served import Served
from visitor import DIGITS, draw_with_mouse, questions, remembered, sees, until

LIMIT = 100_000  # bytes of everything that the first visit loads


class Gate:
    """Holds back what the page asks of /api/predict, until it is opened."""

    def __init__(self, page):
        self.held = []
        self.is_open = False
        page.route("**/api/predict", self.arrives)

    def arrives(self, route):
        if self.is_open:
            route.continue_()
        else:
            self.held.append(route)

    def strokes(self, number):
        return json.loads(self.held[number].request.post_data)["strokes"]

    def open(self):
        self.is_open = True
        for route in self.held:
            with contextlib.suppress(Exception):  # the page has given this one up
                route.continue_()


def test_at_most_one_request_is_in_flight_and_the_newest_question_wins(visit):
    page = visit()
    gate = Gate(page)
    draw_with_mouse(page, DIGITS[4])
    assert len(gate.held) == 1
    gate.held[0].continue_()
    until(page, lambda: len(gate.held) > 1)
    assert len(gate.held) == 2
    assert gate.strokes(1) == remembered(page)["strokes"]
    gate.open()
    sees(page, 4)


def test_an_answer_to_a_drawing_that_is_gone_is_dropped(visit):
    page = visit()
    gate = Gate(page)
    draw_with_mouse(page, DIGITS[7])
    page.click("#clear")
    draw_with_mouse(page, DIGITS[1])
    until(page, lambda: len(gate.held) > 1)
    assert page.inner_text("#digit") == ""
    gate.open()
    sees(page, 1)
    assert gate.strokes(0) != gate.strokes(1)


def test_the_drawing_outlives_the_server(visit):
    served = Served()
    page = visit(at=served)
    draw_with_mouse(page, DIGITS[4][:1])
    page.locator("#verdict:not(.empty)").wait_for()
    page.expected = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE")
    served.stop()
    draw_with_mouse(page, DIGITS[4][1:])
    page.get_by_text("The server does not answer. Your drawing is kept").wait_for()
    assert len(remembered(page)["strokes"]) == 2
    again = Served(port=served.port)
    sees(page, 4)
    page.locator("#banner").wait_for(state="hidden")
    again.stop()


def test_a_busy_server_is_given_the_time_it_asks_for(visit):
    page = visit()
    page.expected = ("429",)
    answers = iter([{"status": 429, "headers": {"Retry-After": "1"}, "json": {"error": {
        "code": "rate.too_fast", "message": "too fast"}}}])

    def handle(route):
        busy = next(answers, None)
        route.fulfill(**busy) if busy else route.continue_()

    page.route("**/api/predict", handle)
    draw_with_mouse(page, DIGITS[1])
    page.get_by_text("Many are drawing just now. Going on in 1 s.").wait_for()
    sees(page, 1)
    page.locator("#banner").wait_for(state="hidden")


@pytest.mark.parametrize(("language", "code", "text"), [
    ("en", "strokes.too_many", "The server cannot read this: There are too many strokes."),
    ("zh", "strokes.too_many", "服务器读不了这个：笔画太多了。"),
    ("en", "another.code", "The server cannot read this: that is more than anybody draws"),
])
def test_what_the_server_refuses_is_said(visit, language, code, text):
    page = visit(f"?lang={language}")
    page.expected = ("400",)
    page.route("**/api/predict", lambda route: route.fulfill(status=400, json={"error": {
        "code": code, "message": "that is more than anybody draws"}}))
    draw_with_mouse(page, DIGITS[1])
    page.get_by_text(text).wait_for()
    page.click("#clear")
    page.locator("#banner").wait_for(state="hidden")


def test_a_busy_server_stays_busy_for_the_next_drawing(visit):
    page = visit()
    page.expected = ("429",)
    page.route("**/api/predict", lambda route: route.fulfill(status=429, headers={
        "Retry-After": "2"}))
    draw_with_mouse(page, DIGITS[4])
    page.get_by_text("Many are drawing just now.").wait_for()
    page.click("#undo")
    assert page.locator("#banner").is_visible()
    assert "away" in page.get_attribute("body", "class")


def test_a_drawing_that_is_cleared_is_not_asked_about_again(visit):
    page = visit()
    page.expected = ("503",)
    page.route("**/api/predict", lambda route: route.fulfill(status=503))
    draw_with_mouse(page, DIGITS[1])
    page.get_by_text("The server does not answer.").wait_for()
    page.click("#clear")
    page.locator("#banner").wait_for(state="hidden")
    asked = questions(page)
    page.wait_for_timeout(1500)
    assert not asked


def test_without_a_file_to_collect_in_nothing_is_asked_for(visit):
    served = Served()
    page = visit(at=served)
    assert page.locator("#feedback").count() == 0
    served.stop()


def test_the_first_visit_loads_less_than_100_kb_and_no_font(visit):
    page = visit("")
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate("""['navigation', 'resource'].flatMap(kind =>
        performance.getEntriesByType(kind).map(each => [each.name, each.decodedBodySize]))""")
    assert len(loaded) > 10
    assert sum(size for _, size in loaded) < LIMIT
    assert not [name for name, _ in loaded if name.endswith(("woff", "woff2", "ttf", "otf"))]
