"""Drawing on the page, by every hand, and taking it back."""

import pytest
from visitor import (
    DIGITS,
    PHONE,
    draw_with_finger,
    draw_with_keys,
    draw_with_mouse,
    on_screen,
    questions,
    remembered,
    sees,
    sees_nothing,
    until,
)


def test_every_digit_drawn_with_the_mouse_is_read(visit):
    page = visit()
    for digit, strokes in DIGITS.items():
        draw_with_mouse(page, strokes)
        sees(page, digit)
        page.click("#clear")
        sees_nothing(page)


def test_every_digit_drawn_with_a_finger_is_read(visit):
    page = visit(**PHONE)
    for digit, strokes in DIGITS.items():
        draw_with_finger(page, strokes)
        sees(page, digit)
        page.tap("#clear")
        sees_nothing(page)


def test_a_finger_that_draws_does_not_scroll(visit):
    page = visit(**PHONE)
    draw_with_finger(page, DIGITS[1])
    sees(page, 1)
    assert page.evaluate("scrollY") == 0


def test_a_second_finger_draws_nothing(visit):
    page = visit(**PHONE)
    ((first, second),) = on_screen(page, DIGITS[1])
    screen = page.context.new_cdp_session(page)
    for kind, points in (("touchStart", [first]), ("touchStart", [first, (60, 300)]),
                         ("touchMove", [second, (90, 300)]), ("touchEnd", [])):
        screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [
            {"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]})
    sees(page, 1)
    assert len(remembered(page)["strokes"]) == 1


def test_a_digit_can_be_drawn_with_the_keyboard_alone(visit):
    page = visit()
    draw_with_keys(page, [("ArrowUp", 12), (" ", 1), ("ArrowDown", 24), (" ", 1)])
    sees(page, 1)
    assert len(remembered(page)["strokes"]) == 1
    page.keyboard.press("Delete")
    sees_nothing(page)


def test_undo_and_redo_walk_along_the_strokes(visit):
    page = visit()
    draw_with_mouse(page, DIGITS[4])
    sees(page, 4)
    page.click("#undo")
    assert len(remembered(page)["strokes"]) == 1
    page.click("#undo")
    sees_nothing(page)
    page.keyboard.press("Control+z")  # nothing is left to undo
    page.click("#redo")
    page.click("#redo")
    sees(page, 4)
    assert page.get_attribute("#redo", "aria-disabled") == "true"


def test_undo_redo_and_clear_by_keyboard(visit):
    page = visit()
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    page.keyboard.press("Control+z")
    sees_nothing(page)
    page.keyboard.press("Control+Shift+z")
    sees(page, 7)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")
    sees(page, 7)
    page.keyboard.press("Delete")
    sees_nothing(page)
    page.keyboard.press("Control+z")  # clearing is undone as well
    sees(page, 7)


def test_a_stroke_whose_pen_is_still_down_is_not_lost(visit):
    page = visit()

    def strokes():
        return len(remembered(page)["strokes"])

    draw_with_mouse(page, DIGITS[4])
    draw_with_keys(page, [(" ", 1), ("ArrowDown", 8)])
    page.keyboard.press("Control+z")
    assert strokes() == 2
    page.keyboard.press("Control+Shift+Z")
    assert strokes() == 3
    draw_with_keys(page, [("ArrowLeft", 9), (" ", 1), ("ArrowDown", 8)])
    draw_with_mouse(page, DIGITS[1])
    assert strokes() == 5
    draw_with_keys(page, [("ArrowLeft", 9), (" ", 1), ("ArrowDown", 8), ("Delete", 1)])
    sees_nothing(page)
    page.keyboard.press("Control+z")
    assert strokes() == 6


def test_delete_clears_only_from_the_paper(visit):
    page = visit()
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    page.focus("#model")
    page.keyboard.press("Delete")
    sees(page, 7)


def test_a_new_stroke_ends_what_could_be_redone(visit):
    page = visit()
    draw_with_mouse(page, DIGITS[4])
    page.click("#undo")
    draw_with_mouse(page, DIGITS[1])
    assert page.get_attribute("#redo", "aria-disabled") == "true"
    assert len(remembered(page)["strokes"]) == 2


@pytest.mark.parametrize(("pen", "width"), [("thin", 0.025), ("medium", 0.045), ("thick", 0.08)])
def test_the_thickness_of_the_pen_goes_to_the_server(visit, pen, width):
    page = visit()
    asked = questions(page)
    page.click(f"#thickness label:has([value={pen}])")
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    assert asked[-1]["thickness"] == width
    assert asked[-1]["canvas"] == [280, 280]


def test_lines_are_crisp_on_a_screen_of_high_density(visit):
    page = visit(**PHONE)
    width, shown = page.eval_on_selector("#pad", "pad => [pad.width, pad.clientWidth]")
    assert width == 3 * shown


def test_the_drawing_survives_a_reload(visit):
    page = visit()
    draw_with_mouse(page, DIGITS[5])
    sees(page, 5)
    page.reload()
    sees(page, 5)
    page.click("#undo")
    sees_nothing(page)


def test_a_test_digit_is_chosen_by_keyboard_alone(visit):
    page = visit()
    page.focus("#picker summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.locator("#samples button[aria-label^='A 6,']").first.focus()
    page.keyboard.press("Enter")
    sees(page, 6)
    assert remembered(page)["sample"]["label"] == 6
    page.click("#undo")
    sees_nothing(page)


def test_other_test_digits_come_when_asked_for(visit):
    page = visit()
    page.click("#picker summary")
    first = page.locator("#samples button").first
    before = first.get_attribute("aria-label")
    page.click("#more-samples")
    until(page, lambda: first.get_attribute("aria-label") != before)


def test_drawing_on_a_test_digit_begins_a_new_drawing(visit):
    page = visit()
    page.click("#picker summary")
    page.locator("#samples button").first.click()
    sees(page, 0)
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    assert remembered(page)["sample"] is None
