"""A finished page on a server: at the root, and nowhere else."""

import urllib.error
import urllib.request

import pytest

from musclehand.core.errors import InvalidValue
from musclehand.view.serve import PageServer


@pytest.fixture
def server():
    server = PageServer("<p>Für Elise</p>", port=0)
    yield server
    server.stop()


def test_the_page_is_at_the_root(server):
    with urllib.request.urlopen(server.url) as answer:
        assert answer.read().decode() == "<p>Für Elise</p>"
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_nothing_else_is_served(server):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(server.url + "/../etc/passwd")


def test_ports_that_cannot_be_had_are_refused(server):
    port = int(server.url.rsplit(":", 1)[1])
    for bad in (port, -1, 70000):
        with pytest.raises(InvalidValue, match="port"):
            PageServer("", port=bad)
