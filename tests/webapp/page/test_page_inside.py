"""Inside: the maps of every layer, and the arithmetic of one cell, with the real numbers."""

import json

import pytest
from visitor import (
    DIGITS,
    draw_with_mouse,
    questions,
    sees,
    sees_an_answer,
    sees_nothing,
    until,
)

ROUNDED = 0.006  # numbers are shown with two digits behind the point


@pytest.fixture
def inside(visit):
    """inside(model) opens the page, draws a three and scrolls to what is inside."""
    def inside(model="seed", **options):
        page = visit(f"?lang=en&model={model}", **options)
        draw_with_mouse(page, DIGITS[3])
        sees_an_answer(page)
        page.locator("#inside").scroll_into_view_if_needed()
        page.locator(".ledger .total").wait_for()
        return page
    return inside


def number(text):
    return float(text.replace("\u2212", "-").replace(",", ""))


def layer(page, place):
    """The element of a layer by its place in the network."""
    return page.locator(".layer").nth(place + 1)  # the picture itself comes first


def choose_map(page, place, channel):
    layer(page, place).locator(".maps .choice").nth(channel).click()
    page.locator(".glass h4").filter(has_text=f"Map {channel},").wait_for()
    page.locator(".sums:not(.old)").wait_for()  # until then it is the last map's arithmetic


def numbers_in(page, table):
    cells = page.locator(f".glass table:has(caption:text-is('{table}')) td")
    return [number(text) for text in cells.all_inner_texts()]


def ledger(page):
    """The addition that is shown: what is added, and the sum."""
    page.locator(".ledger").wait_for()
    *entries, total = [number(text) for text in page.locator(".ledger dd").all_inner_texts()]
    return entries, total


def value_at(page):
    """What the large map says is at the cell that is pointed at."""
    return number(page.get_attribute(".glass .grid", "aria-valuetext").split(": ")[1])


def test_every_layer_is_shown_with_all_its_maps(inside):
    page = inside()
    assert page.locator(".layer").count() == 1 + 8
    maps = [layer(page, place).locator(".maps canvas").count() for place in range(8)]
    assert maps == [16, 16, 32, 32, 0, 0, 0, 0]
    assert layer(page, 2).locator(".range").inner_text().startswith("32 × 14 × 14, from ")


def test_maps_of_every_layer_show_more_than_one_colour(inside):
    page = inside()
    colours = page.locator(".maps canvas").evaluate_all("""all => all.map(canvas => new Set(
        new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
            .data.buffer)).size)""")
    assert sum(count > 1 for count in colours) > 0.9 * len(colours)


def test_a_cell_of_a_convolution_is_patch_times_kernel_and_bias(inside):
    page = inside()
    choose_map(page, 0, 5)
    until(page, lambda: len(numbers_in(page, "patch")) == 9)
    patch, kernel, products = (numbers_in(page, each) for each in ("patch", "kernel", "products"))
    for one, other, product in zip(patch, kernel, products, strict=True):
        assert one * other == pytest.approx(product, abs=0.02)
    (sum_of_products, bias), total = ledger(page)
    assert sum(products) == pytest.approx(sum_of_products, abs=9 * ROUNDED)
    assert sum_of_products + bias == pytest.approx(total, abs=3 * ROUNDED)
    assert total == pytest.approx(value_at(page), abs=0.02)  # maps come in 256 steps


def test_a_deeper_convolution_adds_up_all_the_maps_above(inside):
    page = inside()
    choose_map(page, 2, 20)
    bars = page.locator(".inputs .choice")
    until(page, lambda: bars.count() == 16)
    entries, total = ledger(page)
    assert sum(entries) == pytest.approx(total, abs=4 * ROUNDED)
    before = numbers_in(page, "kernel")
    chosen = page.locator(".inputs input:checked").get_attribute("value")
    bars.nth(1 if chosen == "0" else 0).click()
    until(page, lambda: numbers_in(page, "kernel") != before)
    assert ledger(page)[1] == total
    assert page.locator(".from").inner_text().startswith("The patch, outlined, in map ")


def test_pooling_shows_which_of_the_four_won(inside):
    page = inside()
    choose_map(page, 1, 3)
    page.locator(".glass .winner").wait_for()
    four = numbers_in(page, "patch")
    assert len(four) == 4
    assert number(page.inner_text(".glass .winner")) == max(four)
    assert page.inner_text(".glass .outcome").endswith(page.inner_text(".glass .winner"))


def test_relu_says_what_became_of_a_number(inside):
    page = inside("lenet")
    choose_map(page, 1, 2)
    page.locator(".glass .outcome").filter(has_text="not negative: it goes through").wait_for()


def test_the_mouse_points_at_one_cell(inside):
    page = inside()
    choose_map(page, 1, 0)  # 14 x 14
    grid = page.locator(".glass .grid")
    box = grid.bounding_box()
    page.mouse.move(box["x"] + 2.5 / 14 * box["width"], box["y"] + 5.5 / 14 * box["height"])
    page.locator(".glass h4").filter(has_text="Map 0, row 5, column 2").wait_for()


def test_a_finger_points_at_one_cell(inside):
    page = inside(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    layer(page, 1).locator(".maps .choice").nth(4).tap()
    page.locator(".glass .winner").wait_for()
    grid = layer(page, 1).locator(".glass .grid")  # the glass has come to its layer
    width = grid.bounding_box()["width"]
    grid.tap(position={"x": 8.5 / 14 * width, "y": 3.5 / 14 * width})
    page.locator(".glass h4").filter(has_text="Map 4, row 3, column 8").wait_for()


def test_the_keyboard_walks_over_maps_and_cells(inside):
    page = inside()
    layer(page, 2).locator(".maps input").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator(".glass h4").filter(has_text="Map 2, row").wait_for()
    page.keyboard.press("Tab")  # from the maps to the large one
    assert page.evaluate("document.activeElement.className") == "grid"
    row, column = page.inner_text(".glass h4").replace(",", "").split()[3::2]
    page.keyboard.press("ArrowDown" if int(row) < 13 else "ArrowUp")
    moved = int(row) + (1 if int(row) < 13 else -1)
    page.locator(".glass h4").filter(has_text=f"Map 2, row {moved}, column {column}").wait_for()
    assert page.get_attribute(".glass .grid", "aria-valuetext").startswith(
        f"row {moved}, column {column}: ")


def test_a_number_of_a_fully_connected_layer_names_the_places_it_looks_at(inside):
    page = inside()
    layer(page, 5).locator(".grid").focus()
    page.locator(".top-ten").wait_for()
    rows = page.locator(".top-ten tbody tr")
    assert rows.count() == 10
    assert rows.first.locator("th").inner_text().startswith("Map ")
    for cells in [row.locator("td").all_inner_texts() for row in rows.all()]:
        value, weight, product = map(number, cells)
        assert value * weight == pytest.approx(product, abs=0.02 + 0.006 * abs(value))
    entries, total = ledger(page)
    products = [number(text) for text in page.locator(".top-ten td:last-child").all_inner_texts()]
    assert sum(products) + sum(entries) == pytest.approx(total, abs=0.1)


def test_the_last_layer_shows_what_each_feature_adds_to_each_digit(inside):
    page = inside()
    rows = layer(page, 7).locator(".adds-rows li")
    scores = [number(text) for text in rows.locator(".score").all_inner_texts()]
    assert len(scores) == 10
    assert scores.index(max(scores)) == 3
    assert rows.nth(3).get_attribute("class") == "sure"
    rows.nth(3).locator(".grid").focus()
    page.locator(".glass h4").filter(has_text="What adds to the 3").wait_for()
    until(page, lambda: page.locator(".top-ten").count() == 1)
    assert ledger(page)[1] == scores[3]
    page.keyboard.press("ArrowRight")
    assert page.inner_text(".adds .pointed").startswith("Feature 1 adds ")
    page.keyboard.press("ArrowUp")
    page.locator(".glass h4").filter(has_text="What adds to the 2").wait_for()


def test_the_linear_network_shows_a_picture_for_each_digit(inside):
    page = inside("linear")
    grids = page.locator(".adds-rows.pictures .grid")
    assert grids.count() == 10
    assert grids.first.get_attribute("aria-valuemax") == "783"


def test_other_drawings_renew_what_is_seen(inside):
    page = inside()
    choose_map(page, 1, 3)
    large = page.locator(".glass .grid")
    before = large.evaluate("canvas => canvas.toDataURL()")
    page.keyboard.press("Control+z")
    sees_nothing(page)
    assert page.locator(".glass").count() == 0
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    page.locator("#inside").scroll_into_view_if_needed()
    choose_map(page, 1, 3)
    until(page, lambda: large.evaluate("canvas => canvas.toDataURL()") != before)


def test_a_cell_is_asked_about_in_the_network_whose_maps_are_shown(inside):
    page = inside()
    asked, held = questions(page, "explain"), []

    def hold(route):
        if "cell" in json.loads(route.request.post_data):
            route.continue_()
        else:
            held.append(route)

    page.route("**/api/explain", hold)
    page.locator("#model").evaluate(
        "select => { select.value = 'linear'; select.dispatchEvent(new Event('change')); }")
    until(page, lambda: held)
    choose_map(page, 0, 5)
    until(page, lambda: "cell" in asked[-1])
    assert asked[-1]["model"] == "seed"
    held[0].continue_()
    until(page, lambda: page.locator(".layer").count() == 1 + 2)


def test_nothing_is_asked_about_the_inside_while_it_is_out_of_sight(visit):
    page = visit("?lang=en&model=seed", viewport={"width": 390, "height": 500})
    asked = []
    page.on("request", lambda request: request.url.endswith("explain") and asked.append(request))
    draw_with_mouse(page, DIGITS[7])
    sees(page, 7)
    assert asked == []
    page.locator("#inside").scroll_into_view_if_needed()
    page.locator(".ledger").wait_for()
    assert asked
