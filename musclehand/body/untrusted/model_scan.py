"""Guarded parsing of untrusted MJCF to a tree of elements, before MuJoCo reads it.

Includes are inserted as MuJoCo does it: a name is looked up beside the main file, then beside the
including file, and no file may be included twice. The parser is expat from the standard library.
Document type definitions are refused, and with them entities and their expansion. Sizes are checked
before a file is opened; elements and nesting are counted during parsing.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from musclehand.core.errors import ModelError

MAX_XML_BYTES = 20 * 2**20
"""[bytes] Largest XML file; chosen, MyoHand with its arm has 0.2 MB."""

MAX_TOTAL_BYTES = 256 * 2**20
"""[bytes] Most in all files of a model together: XML, meshes and textures; chosen."""

MAX_ELEMENTS = 100_000
"""Most elements in a model with all its includes; chosen, MyoHand has about 2,000."""

MAX_DEPTH = 200
"""Deepest nesting of elements; chosen, a hand on an arm on a torso is nested about 25 deep."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""Beginning of an address such as `file:` or of a Windows drive."""

_MAGIC = {b"\x1f\x8b": "gzip", b"PK": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
"""First bytes of compressed files."""

_IDENTIFYING = ("name", "file", "joint", "site", "class")
"""Attributes that identify an element in a message; the first that it has is shown."""


@dataclass(slots=True)
class Node:
    """An XML element with its place in a file."""

    source: Path
    """File that holds it."""

    line: int
    """Line at which it begins."""

    tag: str
    """Name of the element."""

    attributes: dict[str, str]
    """Its attributes."""

    children: list[Node] = field(default_factory=list)
    """Elements inside it."""

    def walk(self) -> Iterator[Node]:
        """Iterates over the element and all its descendants, in the order of the file."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack += reversed(node.children)

    def fail(self, problem: str) -> ModelError:
        """An error about the element, which names file, line and element."""
        element = shorten(self.tag)
        for key in _IDENTIFYING:
            if key in self.attributes:
                element += f" {key}={shorten(self.attributes[key])!r}"
                break
        return ModelError(self.source, f"line {self.line}, <{element}>: {problem}")


def shorten(text: str, limit: int = 80) -> str:
    """The text on one line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


@dataclass
class Budget:
    """Resources that a model with all its parts has used so far."""

    num_bytes: int = 0
    """[bytes] Size of all files."""

    num_elements: int = 0
    """Number of XML elements."""

    num_cells: int = 0
    """Number of pixels of textures and points of height fields."""

    def take(self, node: Node, size: int) -> None:
        """Counts the bytes of a file before it is read.

        Args:
            node: the element that refers to the file.
            size: size of the file [bytes].

        Raises:
            ModelError: the limit is exceeded.
        """
        self.num_bytes += size
        if self.num_bytes > MAX_TOTAL_BYTES:
            limit = f"{MAX_TOTAL_BYTES >> 20} MB together, the limit"
            raise node.fail(f"the files of the model have more than {limit}")

    def count(self, node: Node, tree: Node) -> None:
        """Counts the elements of a file.

        Args:
            node: the element that refers to the file.
            tree: the content of the file.

        Raises:
            ModelError: the limit is exceeded.
        """
        self.num_elements += sum(1 for _ in tree.walk())
        if self.num_elements > MAX_ELEMENTS:
            raise node.fail(f"the model has more than {MAX_ELEMENTS:,} elements with it, the limit")


@dataclass(frozen=True)
class Sandbox:
    """Files that a model may read."""

    root: Path
    """Folder that all files must lie in, resolved."""

    folder: Path
    """Folder of the main file, resolved; relative paths start there."""

    budget: Budget = field(default_factory=Budget)
    """Resources used so far."""

    def locate(self, node: Node, name: str, folder: Path) -> Path:
        """Resolves the path of a file, which need not exist.

        Args:
            node: the element that refers to the file.
            name: path in the element.
            folder: folder to which the path is relative.

        Raises:
            ModelError: an absolute path, an address, or, with links followed, a place outside the
                root.
        """
        place = self._resolve(node, name, folder)
        if not place.is_relative_to(self.root):
            raise self._outside(node, name, place)
        return place

    def find(self, node: Node, places: Iterable[tuple[str, Path]]) -> list[Path]:
        """The files that exist among those that MuJoCo may take for a name.

        Args:
            node: the element that refers to the file.
            places: paths with the folders that they are relative to, in MuJoCo's order.

        Raises:
            ModelError: one of the files exists outside the root, or there is none and one of the
                places lies outside, or a path is absolute or an address.
        """
        existing: list[Path] = []
        refusal: ModelError | None = None
        for name, folder in places:
            place = self._resolve(node, name, folder)
            if place.is_relative_to(self.root):
                existing += [place] * (place.exists() and place not in existing)
                continue
            refusal = refusal or self._outside(node, name, place)
            if place.exists():
                raise refusal
        if refusal is not None and not existing:
            raise refusal
        return existing

    def _resolve(self, node: Node, name: str, folder: Path) -> Path:
        plain = name.replace("\\", "/")
        if plain.startswith("/") or _SCHEME.match(plain):
            legal = "it must be relative to the folder of the model"
            raise node.fail(f"{shorten(name)!r} is an absolute path; {legal}")
        try:
            return (folder / plain).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise node.fail(f"{shorten(name)!r} is not a usable path: {error}") from None

    def _outside(self, node: Node, name: str, place: Path) -> ModelError:
        """The error about a place outside the root, with the folder that holds both."""
        folder = Path(os.path.commonpath([self.root, place.parent]))
        shown = "DIR" if folder == Path(folder.anchor) else str(folder)
        problem = f"{shorten(name)!r} lies outside {self.root}, the only folder that is read"
        advice = f"move it there, or name a folder of all the model's files (root, --root {shown})"
        return node.fail(f"{problem}; {advice}")


def scan_model(
    path: Path, root: Path | None = None, budget: Budget | None = None
) -> tuple[Node, Sandbox]:
    """Parses an MJCF file with its includes.

    Args:
        path: the main file.
        root: folder that all files must lie in, by default that of the main file.
        budget: resources used by the model of which this one is a part.

    Returns:
        The root element, and the sandbox for the model's other files.

    Raises:
        ModelError: not MJCF, not readable, an illegal include, or above a limit of this module.
    """
    if path.suffix.lower() == ".urdf":
        raise ModelError(path, "is URDF, not MJCF; MuJoCo's `compile` tool converts it")
    data = read_bytes(path, path, MAX_XML_BYTES)
    if path.suffix != ".xml":
        raise ModelError(
            path, "the name of an MJCF file must end in .xml, or MuJoCo does not open it"
        )
    folder = path.resolve().parent
    sandbox = Sandbox((root or folder).resolve(), folder, budget or Budget())
    sandbox.budget.num_bytes += len(data)
    if not sandbox.folder.is_relative_to(sandbox.root):
        raise ModelError(
            path, f"does not lie in {sandbox.root}, the folder that must hold all its files"
        )
    tree = _Parser(path, data, 0).tree
    _check_root(tree)
    sandbox.budget.count(tree, tree)
    _expand_includes(tree, sandbox, {path.resolve()})
    return tree, sandbox


def read_bytes(path: Path, source: Path | str, limit: int) -> bytes:
    """Reads a regular file.

    Args:
        path: the file.
        source: name of the file in messages.
        limit: largest size [bytes].

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


def _expand_includes(node: Node, sandbox: Sandbox, included: set[Path], depth: int = 0) -> None:
    """Replaces each <include> by the content of its file."""
    children: list[Node] = []
    for child in node.children:
        if child.tag != "include":
            _expand_includes(child, sandbox, included, depth + 1)
            children.append(child)
            continue
        tree = _parse_include(child, sandbox, included, depth)
        sandbox.budget.count(child, tree)
        _expand_includes(tree, sandbox, included, depth)
        children += tree.children
    node.children = children


def _parse_include(include: Node, sandbox: Sandbox, included: set[Path], depth: int) -> Node:
    """Parses the file of an <include> and adds it to the files already included."""
    name = include.attributes.get("file", "")
    if not name:
        raise include.fail("needs a file")
    beside = include.source.resolve().parent
    places = sandbox.find(include, [(name, sandbox.folder), (name, beside)])
    if not places:
        raise include.fail(f"there is no file {sandbox.locate(include, name, sandbox.folder)}")
    place = places[0]
    if place in included:
        problem = "is included a second time, or includes itself; each file may come once"
        raise include.fail(f"{shorten(name)!r} {problem}")
    included.add(place)
    try:
        sandbox.budget.take(include, min(place.stat().st_size, MAX_XML_BYTES))
        data = read_bytes(place, place, MAX_XML_BYTES)
    except ModelError as error:
        raise (
            error
            if error.source == str(include.source)
            else include.fail(f"{place} {error.problem}")
        ) from None
    return _Parser(place, data, depth).tree


class _Parser:
    """Parser of one file; `depth` is its depth of nesting in the model."""

    def __init__(self, path: Path, data: bytes, depth: int) -> None:
        self._path = path
        self._depth = depth
        self._open: list[Node] = []
        self._count = 0
        self._check_format(data)
        # MuJoCo reads bytes as UTF-8 whatever a file declares; both parsers must agree.
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
