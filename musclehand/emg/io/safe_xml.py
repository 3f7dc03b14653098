"""XML inside recordings, read without the constructs that exhaust memory or name other files."""

from __future__ import annotations

from os import PathLike
from typing import Any
from xml.etree import ElementTree

from musclehand.emg.recording import EmgFileError

MAX_XML_BYTES = 5_000_000
"""Largest document that is read [bytes]: chosen, many times that of 400 channels."""

MAX_DEPTH = 100
"""Most levels of elements: chosen; the formats read here have fewer than ten."""


def parse_xml(path: str | PathLike[str], data: bytes, where: str) -> ElementTree.Element:
    """The root element of a document.

    Args:
        path: the file, for messages.
        data: the document.
        where: its place in the file, for messages.

    Raises:
        EmgFileError: no XML, too large or too deep, or a document with a DOCTYPE or entities.
    """
    if len(data) > MAX_XML_BYTES:
        problem = f"{len(data)} bytes of XML; at most {MAX_XML_BYTES}"
        raise EmgFileError(path, problem, where=where)
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    depth = 0
    root: ElementTree.Element | None = None
    try:
        for begin in range(0, len(data), 65536):
            parser.feed(_without_doctype(path, data, begin, where))
            for event, element in parser.read_events():
                root = element if root is None else root
                depth += 1 if event == "start" else -1
                if depth > MAX_DEPTH:
                    raise EmgFileError(path, f"over {MAX_DEPTH} levels of XML", where=where)
        parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise EmgFileError(path, f"no XML ({str(error)[:80]})", where=where) from error
    if root is None:
        raise EmgFileError(path, "no XML", where=where)
    return root


def _without_doctype(path: str | PathLike[str], data: bytes, begin: int, where: str) -> bytes:
    """A part of a document, after a check that no DOCTYPE or entity begins in it."""
    part = data[begin : begin + 65536 + 16].replace(b"\0", b"").upper()
    if b"<!DOCTYPE" in part or b"<!ENTITY" in part:
        raise EmgFileError(path, "XML with a DOCTYPE or entities is refused", where=where)
    return data[begin : begin + 65536]


def text_of(element: ElementTree.Element, tag: str, default: str = "") -> str:
    """The text of the first child with a tag, without spaces around it.

    Args:
        element: the parent.
        tag: of the child.
        default: where there is no such child, or it is empty.
    """
    return (element.findtext(tag) or "").strip() or default
