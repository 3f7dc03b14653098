"""Limits on untrusted MJCF: sizes, numbers and files, checked before MuJoCo acts on them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from musclehand.body.untrusted.attributes import check_attributes
from musclehand.body.untrusted.model_scan import MAX_ELEMENTS, Node, Sandbox, scan_model, shorten
from musclehand.core.errors import InvalidValue, ModelError, UnknownName

MAX_ASSET_BYTES = 64 * 2**20
"""[bytes] Largest mesh, texture or height field; chosen."""

MAX_NUMBER = 1e10
"""Largest absolute value of a number: MuJoCo's own limit (mjMAXVAL)."""

MIN_TIMESTEP = 1e-5
"""[s] Shortest legal simulation step; chosen."""

MAX_TIMESTEP = 0.1
"""[s] Longest legal simulation step; chosen."""

LEGAL_TIMESTEP = f"a number from {MIN_TIMESTEP:g} to {MAX_TIMESTEP:g} [s]"
"""Legal time steps, in words."""

MAX_GRID = 2**24
"""Most points of a height field or pixels of a texture; chosen."""

MAX_CELLS = 2**26
"""Most pixels and points of all textures and height fields together, because a PNG may grow a
thousandfold when decoded; chosen."""

MAX_USER = 1000
"""Most user-defined numbers in an element; chosen, more slow down MuJoCo's compiler."""

MAX_KEYS = 5000
"""Most keyframes; chosen, more slow down MuJoCo's compiler."""

MAX_MEMORY = 2**30
"""[bytes] Most memory that a model may request with <size memory>; chosen."""

_SIZES = {
    "memory": MAX_MEMORY,
    "nkey": MAX_KEYS,
    "nuserdata": 10**6,
    "njmax": 10**6,
    "nconmax": 10**6,
}
_SETTINGS = {
    **dict.fromkeys(("iterations", "ls_iterations", "noslip_iterations", "ccd_iterations"), 10000),
    **dict.fromkeys(
        ("sdf_iterations", "sdf_initpoints", "nsample", "dim", "num", "maxhullvert"), 10000
    ),
    **dict.fromkeys(
        ("offwidth", "offheight", "offsamples", "shadowsize", "numslices", "numstacks"), 8192
    ),
}
_FOLDERS = ("meshdir", "texturedir", "assetdir")
_FILES = ("file", "fileright", "fileleft", "fileup", "filedown", "filefront", "fileback")

_NAMES = {
    **{
        name: name
        for name in (
            "joint",
            "tendon",
            "site",
            "geom",
            "body",
            "mesh",
            "material",
            "texture",
            "hfield",
        )
    },
    **{f"{kind}{i}": kind for kind in ("joint", "tendon", "site", "geom", "body") for i in (1, 2)},
    **{
        "jointinparent": "joint",
        "cranksite": "site",
        "slidersite": "site",
        "refsite": "site",
        "sidesite": "site",
    },
    **{"class": "default class", "childclass": "default class", "actuator": "actuator"},
}
"""Kind of the element to which an attribute refers by name."""

_OTHER_TEXTS = (
    "name",
    "model",
    "objname",
    "refname",
    "data",
    "target",
    "prefix",
    "suffix",
    "node",
    "instance",
)
_TEXTS = {*_NAMES, *_FILES, *_FOLDERS, *_OTHER_TEXTS}
"""Attributes that may hold any text, such as a joint with the name nan."""

_DEFINED_IN = {
    "worldbody": {
        "joint": "joint",
        "freejoint": "joint",
        "site": "site",
        "geom": "geom",
        "body": "body",
    },
    "tendon": {"spatial": "tendon", "fixed": "tendon"},
    "asset": {name: name for name in ("mesh", "material", "texture", "hfield")},
}
_NOT_FINITE = re.compile(r"[+-]?(nan(\([^)]*\))?|inf|infinity)", re.IGNORECASE)
_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50, "e": 2**60}


def check_model(tree: Node, sandbox: Sandbox) -> None:
    """Checks all numbers, sizes and files of a model.

    Args:
        tree: the model.
        sandbox: files that it may read.

    Raises:
        ModelError: plugins, attributes that MuJoCo does not have, numbers that are not finite,
            sizes or counts above a limit, an illegal time step, or a file that is missing, too
            large or outside the sandbox.
    """
    _check(tree, sandbox, ())


def unknown_name(tree: Node, message: str) -> ModelError | None:
    """Finds the element that refers to a missing part which MuJoCo's message mentions.

    Args:
        tree: the model.
        message: MuJoCo's error message.

    Returns:
        An error with file, line and similar names; None if there is no such element.
    """
    names = _defined_names(tree)
    for node in tree.walk():
        if node.tag == "default":
            continue
        for attribute, name in node.attributes.items():
            kind = _NAMES.get(attribute)
            if kind is None or name not in message:
                continue
            available = names.get(kind, set())
            if name in available:
                continue
            if available:
                return node.fail(str(UnknownName(kind, name, available)))
            return node.fail(f"there is no {kind} {name!r}")
    return None


def _defined_names(tree: Node) -> dict[str, set[str]]:
    """Names of all parts of a model, by kind."""
    names = {"body": {"world"}, "default class": {"main"}}
    for section in tree.children:
        for node in section.walk():
            kind = _kind_of(section, node)
            name = node.attributes.get("class" if kind == "default class" else "name")
            if kind and name:
                names.setdefault(kind, set()).add(name)
    return names


def _kind_of(section: Node, node: Node) -> str | None:
    """Kind of the part that an element of a section defines, None if it defines none."""
    if section.tag == "actuator":
        return "actuator"
    if node.tag == "default":
        return "default class"
    return _DEFINED_IN.get(section.tag, {}).get(node.tag)


def _check(tree: Node, sandbox: Sandbox, outer: tuple[Path, ...]) -> float:
    """Checks one model, a part of the models `outer`; returns its elements with copies."""
    check_attributes(tree)
    folders = _folders(tree)
    inner = 0.0
    num_keys = 0
    for node in tree.walk():
        num_keys += node.tag == "key"
        if num_keys > MAX_KEYS:
            raise node.fail(f"the model has more than {MAX_KEYS:,} keyframes, the limit")
        if node.tag in {"plugin", "extension"}:
            raise node.fail("plugins are code from elsewhere; they are not loaded")
        _check_numbers(node)
        _check_sizes(node, sandbox)
        if node.tag == "compiler":
            for name in _FOLDERS:
                sandbox.locate(node, node.attributes.get(name, ""), sandbox.folder)
        if node.tag == "model" and node.attributes.get("file"):
            inner = max(inner, _check_part(node, sandbox, outer))
            continue
        for attribute in _FILES:
            if node.attributes.get(attribute):
                _check_file(node, node.attributes[attribute], folders, sandbox)
    return _count_copies(tree, 1.0, 0.0, inner)


def _check_part(node: Node, sandbox: Sandbox, outer: tuple[Path, ...]) -> float:
    """Checks a model of which this one takes parts; returns its number of elements."""
    name = node.attributes["file"]
    beside = node.source.resolve().parent
    places = sandbox.find(node, [(name, sandbox.folder), (name, beside)])
    if not places:
        raise node.fail(f"there is no file {sandbox.locate(node, name, beside)}")
    elements = 0.0
    for place in places:
        if place in outer or len(outer) >= 8:
            raise node.fail("takes parts from itself, or from models more than 8 deep")
        tree, own = scan_model(place, sandbox.root, sandbox.budget)
        elements = max(elements, _check(tree, own, (*outer, place)))
    return elements


def _count_copies(
    node: Node, copies: float, total: float, inner: float, cause: Node | None = None
) -> float:
    """Adds to `total` the elements of `copies` copies of a tree, with its replicates and grids."""
    times = 1.0
    if node.tag in {"replicate", "composite", "flexcomp"}:
        times = max(1.0, _product(node.attributes.get("count", "1")))
    elif node.tag == "attach":
        times = max(1.0, inner)
    cause = node if times > 1.0 else cause
    total += copies * times
    if total > MAX_ELEMENTS:
        raise (cause or node).fail(
            f"repeats make the model more than {MAX_ELEMENTS:,} elements, the limit"
        )
    if node.tag == "replicate":
        copies *= times
    for child in node.children:
        total = _count_copies(child, copies, total, inner, cause)
    return total


def _check_numbers(node: Node) -> None:
    if node.tag == "option" and "timestep" in node.attributes:
        _check_timestep(node, node.attributes["timestep"])
    for attribute, text in node.attributes.items():
        if attribute in _TEXTS:
            continue
        for token in text.split():
            try:
                value = float(token)
            except ValueError:
                if not _NOT_FINITE.fullmatch(token):
                    break  # a text
                value = math.nan
            if not abs(value) <= MAX_NUMBER:
                legal = f"all its numbers have to be finite and at most {MAX_NUMBER:g}"
                raise node.fail(f"{attribute} has {shorten(token)!r}; {legal}")


def _check_timestep(node: Node, text: str) -> None:
    try:
        sensible = MIN_TIMESTEP <= float(text) <= MAX_TIMESTEP
    except ValueError:
        sensible = False
    if not sensible:
        raise node.fail(str(InvalidValue("timestep", shorten(text), LEGAL_TIMESTEP)))


def _check_sizes(node: Node, sandbox: Sandbox) -> None:
    """Checks numbers that make MuJoCo use memory or time."""
    limits = dict(_SETTINGS)
    if node.tag == "size":
        users = {name: MAX_USER for name in node.attributes if name.startswith("nuser_")}
        limits = _SIZES | users
    for attribute, limit in limits.items():
        if attribute in node.attributes and _amount(node.attributes[attribute]) > limit:
            value = shorten(node.attributes[attribute])
            raise node.fail(f"{attribute} is {value!r}; it may be at most {limit:,}")
    for first, second in (("nrow", "ncol"), ("width", "height")):
        sizes = [_amount(node.attributes.get(name, "1")) for name in (first, second)]
        if node.tag not in {"hfield", "texture"}:
            continue
        if max(sizes) > MAX_GRID or sizes[0] * sizes[1] > MAX_GRID:
            sizes_text = f"{sizes[0]:.0f} x {sizes[1]:.0f}"
            raise node.fail(f"{first} times {second} may be at most {MAX_GRID:,}, not {sizes_text}")
        faces = 1 if node.tag == "hfield" or node.attributes.get("type") == "2d" else 6
        _take_cells(node, sandbox, int(sizes[0] * sizes[1]) * faces)
    if node.tag == "texture" and _product(node.attributes.get("gridsize", "1")) > MAX_GRID:
        raise node.fail(f"gridsize may be at most {MAX_GRID:,} cells")


def _take_cells(node: Node, sandbox: Sandbox, count: int) -> None:
    sandbox.budget.num_cells += count
    if sandbox.budget.num_cells > MAX_CELLS:
        raise node.fail(
            f"all textures and height fields may have {MAX_CELLS:,} pixels or points together"
        )


def _product(text: str) -> float:
    return math.prod(max(1.0, _amount(token)) for token in text.split())


def _amount(text: str) -> float:
    """A number with or without a unit of bytes; 0 for texts and negative numbers, which MuJoCo
    refuses."""
    unit = _UNITS.get(text.strip()[-1:].lower(), 1)
    try:
        value = float(text.strip().rstrip("kKmMgGtTpPeE")) * unit
    except ValueError:
        return 0.0
    return max(value, 0.0) if math.isfinite(value) else math.inf


def _folders(tree: Node) -> list[str]:
    """Folders in which MuJoCo may look for files, whatever their kind."""
    folders = [""]
    for node in tree.walk():
        if node.tag == "compiler":
            folders += [node.attributes[name] for name in _FOLDERS if node.attributes.get(name)]
    return list(dict.fromkeys(folders))


def _check_file(node: Node, name: str, folders: list[str], sandbox: Sandbox) -> None:
    """Checks type and size of the files that an element may mean, and of pictures in them."""
    existing = sandbox.find(node, _places(node, name, folders, sandbox))
    if not existing:
        folder = sandbox.folder / folders[-1]
        raise node.fail(f"there is no file {sandbox.locate(node, name, folder)}")
    for path in existing:
        _check_content(node, path, sandbox)


def _check_content(node: Node, path: Path, sandbox: Sandbox) -> None:
    if not path.is_file():
        raise node.fail(f"{path} is not a regular file")
    size = path.stat().st_size
    if size > MAX_ASSET_BYTES:
        limit = f"{MAX_ASSET_BYTES >> 20} MB is the most that is read"
        raise node.fail(f"{path} has {size / 2**20:.0f} MB; {limit}")
    sandbox.budget.take(node, size)
    with open(path, "rb") as file:
        header = file.read(24)
    if header.startswith(b"\x89PNG"):
        width = int.from_bytes(header[16:20], "big")
        height = int.from_bytes(header[20:24], "big")
        if width * height > MAX_CELLS:
            limit = f"{MAX_CELLS:,} pixels are the limit"
            raise node.fail(f"{path} is a picture of {width} x {height}; {limit}")
        _take_cells(node, sandbox, width * height)


def _places(
    node: Node, name: str, folders: list[str], sandbox: Sandbox
) -> Iterator[tuple[str, Path]]:
    """Where MuJoCo may look for a file: in folders of the main file, with and without the path in
    its name, then beside the XML file that names it."""
    plain = PurePosixPath(name.replace("\\", "/")).name
    beside = node.source.resolve().parent
    for folder in (*(sandbox.folder / folder for folder in folders), beside):
        yield name, folder
        yield plain, folder
