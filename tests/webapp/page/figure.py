"""Draws the picture of the page that is in the README, from the page itself.

    python -m webapp &
    python tests/webapp/page/figure.py "http://127.0.0.1:5000/?lang=en&model=seed" page.png
"""

import shutil
import sys

from PIL import Image
from playwright.sync_api import sync_playwright
from visitor import arc, draw_with_mouse, sees

THREE = [[*arc(0.48, 0.35, 0.17, 0.15, 200, 450, 40), *arc(0.48, 0.66, 0.19, 0.16, -90, 150, 40)]]
SIZE = {"width": 1280, "height": 1600}


def main(address, path):
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"),
                                         args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto(address)
        page.locator("#model option").first.wait_for(state="attached")
        draw_with_mouse(page, THREE)
        sees(page, 3)
        page.locator(".ledger").wait_for()
        page.mouse.move(0, 0)
        page.screenshot(path=path)
    Image.open(path).quantize(256).save(path, optimize=True)  # few colours: a small file


if __name__ == "__main__":
    main(*sys.argv[1:])
