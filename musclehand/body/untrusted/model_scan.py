"""Somebody's MJCF read as a tree of elements with file and line, before MuJoCo sees it: nothing
outside its folder.

Includes are put in where they stand, as MuJoCo does it: a name is looked up beside the main file
first and beside the including file second, and no file may come twice. The standard library's expat
walks each file; document type definitions, and with them entities and their expansion, are refused.
Sizes are checked before a file is opened, elements and depth are counted while it is read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from musclehand.core.errors import ModelError

MAX_XML_BYTES = 20 * 2**20
"""Largest XML file. MyoHand with its arm takes 0.2 MB."""

MAX_TOTAL_BYTES = 256 * 2**20
"""Most of all files of a model together, its XML, meshes and textures."""

MAX_ELEMENTS = 100_000
"""Most elements in a model with all its includes. MyoHand has some 2,000."""

MAX_DEPTH = 200
"""Deepest nesting of elements; a hand on an arm on a torso nests about 25 deep."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_MAGIC = {b"\x1f\x8b": "gzip", b"PK": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


@dataclass(slots=True)
class Node:
    """An element: where it stands, its attributes and the elements in it."""

    source: Path
    line: int
    tag: str
    attributes: dict[str, str]
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """This element and all below it, in the order of the file."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)

    def fail(self, problem: str) -> ModelError:
        """An error that names file, line and element."""
        shown = next(
            (
                f" {key}={shorten(self.attributes[key])!r}"
                for key in _TELLING
                if key in self.attributes
            ),
            "",
        )
        return ModelError(self.source, f"line {self.line}, <{shorten(self.tag)}{shown}>: {problem}")


_TELLING = ("name", "file", "joint", "site", "class")


def shorten(text: str, limit: int = 80) -> str:
    """One line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


@dataclass
class Budget:
    """Bytes, elements and cells (pixels, points of height fields) that a model with all its
    parts has taken so far."""

    num_bytes: int = 0
    num_elements: int = 0
    num_cells: int = 0

    def take(self, node: Node, size: int) -> None:
        """Books a file that `node` asks for, before it is read."""
        self.num_bytes += size
        if self.num_bytes > MAX_TOTAL_BYTES:
            raise node.fail(
                f"the files of the model have more than {MAX_TOTAL_BYTES >> 20} MB together, the limit"
            )

    def count(self, node: Node, tree: Node) -> None:
        """Books the elements of a file that `node` asks for."""
        self.num_elements += sum(1 for _ in tree.walk())
        if self.num_elements > MAX_ELEMENTS:
            raise node.fail(f"the model has more than {MAX_ELEMENTS:,} elements with it, the limit")


@dataclass(frozen=True)
class Fence:
    """What a model may read: files in `root`, looked up from `folder` first (both resolved),
    within a budget."""

    root: Path
    folder: Path
    budget: Budget = field(default_factory=Budget)

    def locate(self, node: Node, name: str, folder: Path) -> Path:
        """The file that an element asks for, resolved; it need not exist.

        Raises:
            ModelError: an absolute path, an address, or a place outside the root, links followed.
        """
        plain = name.replace("\\", "/")
        if plain.startswith("/") or _SCHEME.match(plain):
            legal = "it must be relative to the folder of the model"
            raise node.fail(f"{shorten(name)!r} is an absolute path; {legal}")
        try:
            place = (folder / plain).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise node.fail(f"{shorten(name)!r} is not a usable path: {error}") from None
        if not place.is_relative_to(self.root):
            way_out = "move it there, or name a folder that holds all files of the model (root, --root DIR)"
            raise node.fail(
                f"{shorten(name)!r} lies outside {self.root}, from which nothing else is read; {way_out}"
            )
        return place


def scan_model(
    path: Path, root: Path | None = None, budget: Budget | None = None
) -> tuple[Node, Fence]:
    """The elements of an MJCF file with its includes put in, and the fence its other files have to
    lie in.

    Args:
        path: the main file.
        root: folder that all files must lie in, by default that of the main file.
        budget: that of the model which this one is a part of.

    Raises:
        ModelError: not MJCF, not readable, an include that is not allowed, or above a limit of this
            module.
    """
    if path.suffix.lower() == ".urdf":
        raise ModelError(path, "is URDF, not MJCF; MuJoCo's `compile` tool converts it")
    data = read_bytes(path, path, MAX_XML_BYTES)
    if path.suffix != ".xml":
        raise ModelError(
            path, "the name of an MJCF file must end in .xml, or MuJoCo does not open it"
        )
    folder = path.resolve().parent
    fence = Fence((root or folder).resolve(), folder, budget or Budget())
    fence.budget.num_bytes += len(data)
    if not fence.folder.is_relative_to(fence.root):
        raise ModelError(
            path, f"does not lie in {fence.root}, which is given as the folder of all its files"
        )
    tree = _Parser(path, data, 0).tree
    _check_root(tree)
    fence.budget.count(tree, tree)
    _put_includes_in(tree, fence, {path.resolve()})
    return tree, fence


def read_bytes(path: Path, source: Path | str, limit: int) -> bytes:
    """A regular file of at most `limit` bytes; `source` is for the error message.

    Raises:
        ModelError: no such file, not a regular file, too large, or not readable.
    """
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ModelError(source, "is a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(source, "is not a regular file")
        if status.st_size > limit:
            size = f"{status.st_size / 2**20:,.0f} MB"
            raise ModelError(source, f"has {size}; {limit / 2**20:.0f} MB is the most that is read")
        with open(path, "rb") as file:
            return file.read(limit)
    except OSError as error:
        raise ModelError(source, f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the name
        raise ModelError(source, f"cannot be read: {error}") from None


def _check_root(tree: Node) -> None:
    if tree.tag == "robot":
        raise tree.fail("is URDF, not MJCF; MuJoCo's `compile` tool converts it")
    if tree.tag == "mujocoinclude":
        raise tree.fail("is a part that other models include, not a model by itself")
    if tree.tag != "mujoco":
        raise tree.fail("is XML, but not MJCF, which begins with <mujoco>")


def _put_includes_in(node: Node, fence: Fence, seen: set[Path], depth: int = 0) -> None:
    """Replaces each <include> by what is in its file."""
    children: list[Node] = []
    for child in node.children:
        if child.tag != "include":
            _put_includes_in(child, fence, seen, depth + 1)
            children.append(child)
            continue
        included = _included(child, fence, seen, depth)
        fence.budget.count(child, included)
        _put_includes_in(included, fence, seen, depth)
        children += included.children
    node.children = children


def _included(include: Node, fence: Fence, seen: set[Path], depth: int) -> Node:
    """The tree of the file of an <include>."""
    name = include.attributes.get("file", "")
    if not name:
        raise include.fail("needs a file")
    beside_main = fence.locate(include, name, fence.folder)
    place = (
        beside_main
        if beside_main.exists()
        else fence.locate(include, name, include.source.resolve().parent)
    )
    if not place.exists():
        raise include.fail(f"there is no file {beside_main}")
    if place in seen:
        raise include.fail(
            f"{shorten(name)!r} is included a second time, or includes itself; each file may come once"
        )
    seen.add(place)
    try:
        fence.budget.take(include, min(place.stat().st_size, MAX_XML_BYTES))
        data = read_bytes(place, place, MAX_XML_BYTES)
    except ModelError as error:
        raise (
            error
            if error.source == str(include.source)
            else include.fail(f"{place} {error.problem}")
        ) from None
    return _Parser(place, data, depth).tree


class _Parser:
    """Builds the tree of one file; `depth` is how deep it will stand in the model."""

    def __init__(self, path: Path, data: bytes, depth: int) -> None:
        self._path = path
        self._depth = depth
        self._open: list[Node] = []
        self._count = 0
        self._check_format(data)
        # MuJoCo reads bytes as UTF-8 whatever a file says; both have to see the same.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            place = f"line {error.lineno}, column {error.offset + 1}"
            raise ModelError(
                path, f"{place}: is not well-formed XML: {expat.ErrorString(error.code)}"
            ) from None

    def _check_format(self, data: bytes) -> None:
        if not data.strip():
            raise ModelError(self._path, "is empty")
        for magic, name in _MAGIC.items():
            if data.startswith(magic):
                raise ModelError(self._path, f"is not XML but {name}-compressed; unpack it first")
        if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data:
            raise ModelError(self._path, "is not XML in UTF-8; a text editor can save it as that")
        if not data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            raise ModelError(self._path, "is not XML: it does not begin with <")

    def _doctype(
        self, name: str, system: str | None, public: str | None, has_internal_subset: int
    ) -> None:
        line = self._parser.CurrentLineNumber
        raise ModelError(
            self._path, f"line {line}: has a DOCTYPE, which MJCF does not need; refused for safety"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        node = Node(self._path, self._parser.CurrentLineNumber, tag, attributes)
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise node.fail(f"the file has more than {MAX_ELEMENTS:,} elements, the limit")
        if len(self._open) + self._depth >= MAX_DEPTH:
            raise node.fail(f"elements are nested more than {MAX_DEPTH} deep")
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.tree = node
        self._open.append(node)

    def _end(self, tag: str) -> None:
        self._open.pop()
