"""Attributes of the elements of bodies: those that MuJoCo has, and numbers that none may be below.

MuJoCo refuses an attribute that it does not have, but not inside `<frame>` (seen in 3.3 to 4.0),
where a misspelt one would be without effect and without a word.
"""

from __future__ import annotations

import re
from functools import lru_cache

import mujoco

from musclehand.body.untrusted.model_scan import Node, shorten
from musclehand.core.errors import InvalidValue, UnknownName

_PARENTS = ("worldbody", "body", "frame", "replicate")
"""Elements inside which the elements of a body are."""

_BODY = "(world)body"
"""Name of both elements in MuJoCo's schema."""

_ELEMENT = re.compile(r"( *)(\S+) \(\S+\)(.*)")
"""A line of the schema that begins an element: indent, name, how often it may come, attributes."""

_NOT_NEGATIVE = {"joint": ("armature",)}
"""Numbers below 0 that MuJoCo compiles to numbers that are not finite."""


def check_attributes(tree: Node) -> None:
    """Checks the attributes of the elements of all bodies.

    Args:
        tree: the model, its includes in place.

    Raises:
        ModelError: an element has an attribute that MuJoCo does not have, or a number below 0 that
            cannot be.
    """
    schema = body_attributes()
    for parent in tree.walk():
        for node in parent.children:
            legal = schema.get(node.tag) if parent.tag in _PARENTS else None
            for name in node.attributes:
                if legal and name not in legal:
                    raise node.fail(str(UnknownName("attribute", shorten(name), sorted(legal))))
            for name in _NOT_NEGATIVE.get(node.tag, ()):
                value = node.attributes.get(name, "")
                if value.lstrip().startswith("-") and _is_below_0(value):
                    raise node.fail(
                        str(InvalidValue(name, shorten(value), "a number of at least 0"))
                    )


@lru_cache(maxsize=1)
def body_attributes() -> dict[str, frozenset[str]]:
    """Attributes of the elements that bodies are made of, by element, from MuJoCo's schema."""
    attributes: dict[str, set[str]] = {}
    depth = -1
    element = ""
    for line in mujoco.mj_printSchema(False, False).splitlines():
        start = _ELEMENT.fullmatch(line.rstrip())
        if start is None:
            if element:
                attributes[element] |= set(line.split())
            continue
        indent = len(start.group(1))
        name = start.group(2)
        if name == _BODY:
            depth = indent
            element = "body"
        elif depth < 0 or indent <= depth:
            depth = -1
            element = ""
        else:
            # Elements of elements, such as the plug-in of a geom, have attributes of their own.
            element = name if indent == _child_indent(depth) else ""
        if element:
            attributes.setdefault(element, set()).update(start.group(3).split())
    return {name: frozenset(names) for name, names in attributes.items()}


def _child_indent(depth: int) -> int:
    """Indent of an element inside one with this indent: the schema has three blanks a level."""
    return depth + 3


def _is_below_0(text: str) -> bool:
    try:
        return float(text.split()[0]) < 0.0
    except (ValueError, IndexError):
        return False
