"""Reports as HTML: one self-contained page for the screen and for paper, or a part of a notebook.

A page needs no network and no other file: style and pictures are inside. Text is escaped wherever
it enters; only `Html`, which the functions here return, is taken as it is.

    page = build_document("Title", [element("h1", "Title"), table(["a", "b"], [["1", "2 < 3"]])])
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from html import escape

from musclehand.core.errors import InvalidValue


class Html(str):
    """Text that is HTML already. Every other text is escaped."""

    __slots__ = ()


_VARIABLES = "--ink: #1d2125; --soft: #5b6570; --line: #d9dee3; --wash: #f5f7f9; --mark: #0072b2;"

_SANS = 'font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif;'

_CONTENT = f"""
* {{ box-sizing: border-box; }}
h1, h2, h3, table, nav, dt, figcaption, summary, .fine, .pill {{ {_SANS} }}
h1 {{ font-size: 1.85rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.25rem; line-height: 1.3; margin: 2.6rem 0 .4rem; padding-top: .9rem;
  border-top: 1px solid var(--line); }}
h3 {{ font-size: 1rem; margin: 1.6rem 0 .3rem; overflow-wrap: anywhere; }}
p {{ margin: .5rem 0; }}
p, li {{ max-width: 54rem; overflow-wrap: anywhere; }}
a {{ color: #0b57a4; text-decoration: none; }}
a:hover {{ text-decoration: underline; }}
.fine, figcaption {{ color: var(--soft); font-size: .85rem; line-height: 1.5; }}
figcaption {{ max-width: 54rem; }}
.lead {{ background: var(--wash); margin: 1rem 0; padding: .9rem 1.1rem;
  border-left: .25rem solid var(--mark); }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .86rem; line-height: 1.4; margin: .7rem 0; }}
th, td {{ padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); }}
th {{ font-weight: 600; border-bottom: 2px solid var(--ink); }}
table.text {{ width: 100%; }}
table.text th, table.text td {{ text-align: left; vertical-align: top; overflow-wrap: anywhere; }}
table.numbers th, table.numbers td {{ text-align: right; font-variant-numeric: tabular-nums; }}
table.numbers th, table.numbers td {{ white-space: nowrap; }}
table.numbers th {{ vertical-align: bottom; }}
table.numbers th:first-child, table.numbers td:first-child {{ text-align: left; position: sticky;
  left: 0; background: #fff; }}
.under {{ display: block; color: var(--soft); font-weight: 400; }}
.numbers .under {{ font-size: .78rem; }}
.pill {{ display: inline-block; min-width: 3.2rem; text-align: center; padding: 0 .5rem;
  border-radius: .7rem; font-size: .74rem; font-weight: 700; letter-spacing: .04em;
  text-transform: uppercase; background: #e8ebee; color: #56606a; }}
.pill.pass {{ background: #dff1e4; color: #14602f; }}
.pill.warn {{ background: #fdeecb; color: #7a5200; }}
.pill.fail {{ background: #fbe0dd; color: #98190f; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .6rem 0;
  font-size: .92rem; }}
dt {{ color: var(--soft); font-size: .82rem; padding-top: .1rem; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
nav {{ font-size: .86rem; background: var(--wash); padding: .8rem 1rem; margin: 1.4rem 0; }}
nav ol {{ columns: 15rem; column-gap: 2rem; list-style: none; margin: 0; padding: 0; }}
nav li {{ break-inside: avoid; padding: .08rem 0; }}
figure {{ margin: .8rem 0; }}
figure img {{ width: 100%; height: auto; display: block; }}
figure .wide img {{ min-width: 34rem; }}
details summary {{ cursor: pointer; font-size: .86rem; color: var(--soft); }}
"""

_PAGE = """
body { margin: 0; background: #fff; color: var(--ink);
  font: 16px/1.55 Georgia, "Iowan Old Style", "Times New Roman", serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.4rem 1.5rem 4.5rem; }
@media (max-width: 40rem) { main { padding: 1.2rem .9rem; } h1 { font-size: 1.5rem; } }
@media print {
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  nav { background: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  figure, tr, dl { break-inside: avoid; }
  figure .wide img { min-width: 0; }
  .wide { overflow: visible; }
  a { color: inherit; }
  .pill, .lead { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""

# Notebooks style tables themselves, dark ones with light text on dark rows.
_NOTEBOOK = """
table, th, td { color: var(--ink); }
tbody tr, tbody tr:hover { background: #fff !important; }
"""


def build_document(
    title: str, body: Sequence[str], *, style: str = "", head: Sequence[str] = ()
) -> str:
    """A whole page.

    Args:
        title: of the window.
        body: parts of the page, one below the other.
        style: CSS rules of this page, after the shared ones.
        head: further parts of the page's head.
    """
    top = join(
        [
            Html('<meta charset="utf-8">'),
            *head,
            Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            element("title", title),
            Html(f"<style>:root {{ {_VARIABLES} }}{_CONTENT}{_PAGE}{style}</style>"),
        ]
    )
    content = "\n".join(_safe(part) for part in body)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{top}</head>\n'
        f"<body><main>\n{content}\n</main></body></html>\n"
    )


def notebook_part(body: Sequence[str]) -> str:
    """Parts of a page for the output of a notebook cell, with the shared style for these alone.

    Args:
        body: parts, one below the other.
    """
    box = (
        f"{_VARIABLES} color: var(--ink); background: #fff; padding: .5rem 1rem; "
        "font: 15px/1.5 Georgia, serif;"
    )
    content = "\n".join(_safe(part) for part in body)
    return (
        f"<style>.musclehand-report {{ {box} {_CONTENT}{_NOTEBOOK} }}</style>\n"
        f'<div class="musclehand-report">\n{content}\n</div>\n'
    )


def element(name: str, *content: str, **attributes: str) -> Html:
    """An element with its content.

    Args:
        name: tag, such as "p".
        content: texts and elements, one after the other.
        attributes: by name; `class_` for class, and underscores for hyphens.
    """
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{words}>{''.join(_safe(part) for part in content)}</{name}>")


def join(parts: Sequence[str], separator: str = "") -> Html:
    """Texts and elements, one after the other."""
    return Html(_safe(separator).join(_safe(part) for part in parts))


def bullets(items: Sequence[str]) -> Html:
    """A list with bullets; empty for no items."""
    if not items:
        return Html("")
    return element("ul", *(element("li", item) for item in items))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, kind: str = "text") -> Html:
    """A table. One of numbers scrolls sideways on small screens, its first column fixed.

    Args:
        columns: heads; empty for a table without a heading.
        rows: cells.
        kind: "text" (left-aligned, as wide as the page) or "numbers" (right-aligned).
    """
    heads = element("tr", *(element("th", word) for word in columns))
    lines = [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    parts = [element("thead", heads)] if columns else []
    markup = element("table", *parts, element("tbody", *lines), class_=kind)
    return element("div", markup, class_="wide") if kind == "numbers" else markup


def pill(word: str, kind: str = "") -> Html:
    """A word on a coloured ground: `kind` "pass", "warn" or "fail"; grey for others."""
    return element("span", word, class_=f"pill {kind}".strip())


def script(code: str) -> Html:
    """A script.

    Args:
        code: in JavaScript, our own, not a user's.

    Raises:
        InvalidValue: the code would end the element early.
    """
    for end in ("</script", "<!--"):
        if end in code.lower():
            raise InvalidValue("script", end, "code without it")
    return Html(f"<script>{code}</script>")


def data_block(name: str, content: object) -> Html:
    """Data for a script, as JSON, which no text in it can end early.

    Args:
        name: id of the element.
        content: anything that JSON can express.
    """
    text = json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return Html(f'<script type="application/json" id="{escape(name)}">{text}</script>')


def figure(source: str, alt: str, caption: str = "", *, scroll: bool = False) -> Html:
    """A picture, as wide as the page.

    Args:
        source: its address, such as `svg_source` gives.
        alt: the picture in words.
        caption: text below it.
        scroll: keep the picture legible on small screens, which scroll sideways.
    """
    image = Html(f'<img alt="{escape(alt)}" src="{escape(source)}">')
    frame = element("div", image, class_="wide") if scroll else image
    return element("figure", frame, element("figcaption", caption) if caption else Html(""))


def svg_source(svg: str) -> str:
    """An SVG picture as a `data:` address, for `figure`."""
    return "data:image/svg+xml;base64," + b64encode(svg.encode()).decode("ascii")


def _safe(text: str) -> str:
    return str(text) if isinstance(text, Html) else escape(text)
