"""Who visits the page: the hands that draw ten digits on it, and the eyes that read it.

A digit is a list of strokes; coordinates are parts of the paper, (0, 0) top left to (1, 1).
"""

from __future__ import annotations

import json
import math
import re
import time

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3,
         "is_mobile": True, "has_touch": True}


def arc(x, y, rx, ry, start, end, points=10):
    """Part of an ellipse around (x, y); angles in degrees, 0 to the right, 90 downwards."""
    angles = [math.radians(start + (end - start) * i / (points - 1)) for i in range(points)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


DIGITS = {
    0: [arc(0.5, 0.5, 0.19, 0.3, -90, 270, 16)],
    1: [[(0.5, 0.2), (0.5, 0.8)]],
    2: [[*arc(0.48, 0.36, 0.18, 0.17, 190, 385), (0.32, 0.8), (0.7, 0.8)]],
    3: [[*arc(0.48, 0.35, 0.17, 0.15, 200, 450), *arc(0.48, 0.66, 0.19, 0.16, -90, 150)]],
    4: [[(0.4, 0.2), (0.3, 0.55), (0.7, 0.55)], [(0.62, 0.22), (0.6, 0.82)]],
    5: [[(0.68, 0.2), (0.4, 0.2), (0.37, 0.46), *arc(0.47, 0.62, 0.2, 0.18, -100, 150)]],
    6: [[(0.6, 0.18), (0.42, 0.38), *arc(0.5, 0.64, 0.16, 0.17, 190, -170, 14)]],
    7: [[(0.3, 0.22), (0.7, 0.22), (0.44, 0.82)]],
    8: [[*arc(0.5, 0.35, 0.14, 0.14, 90, -270, 12), *arc(0.5, 0.66, 0.17, 0.17, -90, 270, 12)]],
    9: [[*arc(0.49, 0.36, 0.15, 0.15, 0, -360, 12), (0.62, 0.55), (0.58, 0.82)]],
}


def on_screen(page, strokes):
    """The strokes in pixels of the window, the paper scrolled into view."""
    pad = page.locator("#pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    return [[(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
            for stroke in strokes]


def draw_with_mouse(page, strokes):
    for (first, *others) in on_screen(page, strokes):
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point)
        page.mouse.up()


def draw_with_finger(page, strokes):
    """By touch events as a touch screen sends them."""
    screen = page.context.new_cdp_session(page)

    def touch(kind, *points):
        screen.send("Input.dispatchTouchEvent",
                    {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    for (first, *others) in on_screen(page, strokes):
        touch("touchStart", first)
        for point in others:
            touch("touchMove", point)
        touch("touchEnd")
    screen.detach()


def draw_with_keys(page, moves):
    """From the middle of the paper: ("ArrowUp", 5) moves, " " sets the pen down or lifts it."""
    page.locator("#pad").focus()
    for key, times in moves:
        for _ in range(times):
            page.keyboard.press(key)


def until(page, condition, seconds=15):
    """Wait until `condition()` is true. (The page's policy forbids Playwright's own waiting.)"""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        page.wait_for_timeout(15)


def sees(page, digit):
    """Wait until the page has read the whole drawing, and answers with this digit."""
    page.locator("#digit").filter(has_text=re.compile(f"^{re.escape(str(digit))}$")).wait_for()
    until(page, lambda: page.inner_text("#spoken"))


def sees_an_answer(page):
    """As `sees`, where it is not said how sure the network is: the linear one never is."""
    page.locator("#verdict.sure, #verdict.unsure").wait_for()
    until(page, lambda: page.inner_text("#spoken"))


def sees_nothing(page):
    """Wait until the page is empty again."""
    page.locator("#verdict.empty").wait_for()


def picture(page, step):
    """The picture after a step, 0 as drawn to 5 centred, as text that can be compared."""
    return page.locator("#strip canvas").nth(step).evaluate("canvas => canvas.toDataURL()")


def remembered(page):
    """What the page keeps for a reload: {"strokes": ..., "sample": ..., "pen": ...}."""
    return json.loads(page.evaluate("sessionStorage.getItem('drawing')") or '{"strokes": []}')


def questions(page, path="predict"):
    """A list into which what the page asks the server from now on is written."""
    asked = []
    page.on("request", lambda request: request.url.endswith(path)
            and asked.append(json.loads(request.post_data)))
    return asked
