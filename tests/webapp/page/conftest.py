"""A real server and a real browser for the tests of the page.

The browser is Chromium as the system has it (Debian: apt-get install chromium). Every page that
a test opens is watched: a message on its console, an error in its scripts, or a request that
leaves this machine makes the test fail.
"""

from __future__ import annotations

import shutil
from urllib.parse import urlsplit

import pytest
from served import Served

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 15_000  # ms that a condition may take on a busy machine
WINDOW = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium: install the system's package chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="no Chromium: no playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def given_away(tmp_path_factory):
    """The file in which the server keeps drawings that people give away."""
    return tmp_path_factory.mktemp("given") / "drawings.jsonl"


@pytest.fixture(scope="session")
def served(given_away):
    page = Served(COLLECT=str(given_away))
    yield page
    page.stop()


@pytest.fixture
def visit(chromium, served):
    """visit("?lang=en", ...) opens the page, in a window of its own, and gives it to the test.

    Without an address it is the talk's network in English, and without what is inside, which is
    the most to paint and has tests of its own.

    Keywords are Playwright's for a new context. A test that expects trouble says on the page
    which: page.expected = ("ERR_CONNECTION",).
    """
    opened = []

    def visit(query="?lang=en&model=seed&hide=inside", at=None, **options):
        page = chromium.new_context(**{**WINDOW, **options}).new_page()
        page.set_default_timeout(PATIENCE)
        page.troubles, page.expected = [], ()
        page.on("console", lambda message: page.troubles.append(message.text))
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on("request", lambda request: _stays_here(request.url, page.troubles))
        opened.append(page)
        page.goto((at or served).address + query)
        page.locator("#model option").first.wait_for(state="attached")
        return page

    yield visit
    troubles = [trouble for page in opened for trouble in page.troubles
                if not any(each in trouble for each in page.expected)]
    for page in opened:
        page.context.close()
    assert not troubles


def _stays_here(url, troubles):
    if urlsplit(url).hostname not in ("127.0.0.1", None):
        troubles.append(f"a request left this machine: {url}")


def pytest_collection_modifyitems(items):
    """What needs the browser is slow: it has to wait for somebody who draws."""
    for item in items:
        if "visit" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
