"""Reports as HTML: escaped, complete, and the same style on a page and in a notebook."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from musclehand.core.html_page import (
    Html,
    build_document,
    bullets,
    element,
    figure,
    join,
    notebook_part,
    pill,
    svg_source,
    table,
)

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)


class Reader(HTMLParser):
    """Collects text and attributes, and insists that every element is closed."""

    def __init__(self, page):
        super().__init__()
        self.open = []
        self.text = []
        self.attributes = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


@given(TEXT, TEXT)
def test_any_text_arrives_as_it_is(text, attribute):
    reader = Reader(element("p", text, element("b", "x"), class_=attribute))
    assert reader.text == [text, "x"]
    assert reader.attributes == [("class", attribute)]


def test_only_html_is_taken_as_it_is():
    assert element("p", "<b>") == "<p>&lt;b&gt;</p>"
    assert element("p", Html("<b>x</b>")) == "<p><b>x</b></p>"
    assert join(["a<", Html("<hr>")], ", ") == "a&lt;, <hr>"
    assert element("nav", aria_label="Contents") == '<nav aria-label="Contents"></nav>'


def test_a_page_needs_nothing_else():
    body = [
        element("h1", "A & B"),
        bullets(["one", "two"]),
        bullets([]),
        table(["a", "b"], [["1", pill("pass", "pass")]], kind="numbers"),
        figure(svg_source("<svg/>"), "a picture", "caption"),
    ]
    page = build_document("A & B", body, style=".own { color: red; }")
    reader = Reader(page)
    assert page.startswith("<!DOCTYPE html>")
    assert {"A & B", "one", "1", "pass", "caption"} <= set(reader.text)
    assert dict(reader.attributes)["src"].startswith("data:image/svg+xml;base64,")
    assert ".own" in page
    for words in ("url(", "@import", "<script", "<link", "http"):
        assert words not in page


def test_tables_of_text_and_of_numbers_have_their_own_style():
    assert 'class="text"' in table([], [["x"]])
    assert "<thead>" not in table([], [["x"]])
    assert table(["a"], [["1"]], kind="numbers").startswith('<div class="wide">')


def test_a_part_of_a_notebook_styles_itself_alone():
    part = notebook_part([element("p", "x < y")])
    assert part.startswith("<style>.musclehand-report {")
    assert "x &lt; y" in part
    assert "<html" not in part
    assert "body {" not in part
