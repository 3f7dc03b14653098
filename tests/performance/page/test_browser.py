"""The page in a browser: it opens, draws, and has nothing to complain about."""

import re
import shutil
import subprocess

import pytest

from musclehand.performance.report import write_page

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium")


def opened(path, tmp_path, width):
    """The page's elements after its scripts have run, and the messages of the console."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += [f"--user-data-dir={tmp_path}", f"--window-size={width},900"]
    command += ["--virtual-time-budget=10000", "--dump-dom", path.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return ended.stdout, [line for line in ended.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("width", [1280, 390])
def test_it_opens_and_draws_without_messages(folder, tmp_path, width):
    page, messages = opened(write_page(folder), tmp_path, width)
    assert messages == []
    assert re.search(r'id="performance"[^>]*>', page).group().count("hidden") == 0
    assert 'data-time="-0.5000"' in page
    assert "Missed, extra and brushed: 3" in page
    assert "0.50 s: E4 missed, left hand" in page
    assert re.search(r"FDP2 (left|right): ", page) or "Hardest working now, left hand" in page


def test_a_page_that_is_damaged_says_so(folder, tmp_path):
    page = write_page(folder).read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(page.replace('"frames":', '"pictures":').replace('"places":', '"x":'))
    shown, messages = opened(broken, tmp_path / "profile", 1280)
    assert messages == []
    assert "This browser cannot show the performance" in shown
