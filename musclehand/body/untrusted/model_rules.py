"""What an MJCF may ask for: sizes, numbers and files, checked element by element before MuJoCo
acts on them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from musclehand.body.untrusted.model_scan import MAX_ELEMENTS, Fence, Node, scan_model, shorten
from musclehand.core.errors import InvalidValue, ModelError, UnknownName

MAX_ASSET_BYTES = 64 * 2**20
"""Largest mesh, texture or height field."""

MAX_NUMBER = 1e10
"""Above this no number about a hand makes sense; it is MuJoCo's own limit too (mjMAXVAL)."""

MIN_TIMESTEP = 1e-5
MAX_TIMESTEP = 0.1
"""Simulation steps that make sense [s]."""

LEGAL_TIMESTEP = f"a number from {MIN_TIMESTEP:g} to {MAX_TIMESTEP:g} [s]"

MAX_GRID = 2**24
"""Most points of a height field and pixels of a texture."""

MAX_CELLS = 2**26
"""Most pixels and points of all textures and height fields together; a PNG may grow a
thousandfold when unpacked."""

MAX_USER = 1000
MAX_KEYS = 5000
"""Most numbers of a user's own in an element, and most keyframes, for which MuJoCo's compiler
gets slow."""

MAX_MEMORY = 2**30
"""Most memory that a model may ask for itself with <size memory> [bytes]."""

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
"""Attributes that name another element, and the kind of that."""

_MORE_WORDS = (
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
_WORDS = {*_NAMES, *_FILES, *_FOLDERS, *_MORE_WORDS}
"""Attributes that may hold any text, such as a joint that is called nan."""

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


def check_model(tree: Node, fence: Fence) -> None:
    """Checks all that a model asks for.

    Raises:
        ModelError: plugins, numbers that are none, sizes or counts above a limit, a step that
            cannot be simulated, or a file that is missing, too large or not in the fence.
    """
    _check(tree, fence, ())


def unknown_name(tree: Node, said: str) -> ModelError | None:
    """The element that names something that is not there, among those whose name MuJoCo gave in
    what it said."""
    known = {"body": {"world"}, "default class": {"main"}}
    for section in tree.children:
        for node in section.walk():
            kind = _DEFINED_IN.get(section.tag, {}).get(node.tag)
            kind = (
                "actuator"
                if section.tag == "actuator"
                else "default class"
                if node.tag == "default"
                else kind
            )
            name = node.attributes.get("class" if kind == "default class" else "name")
            if kind and name:
                known.setdefault(kind, set()).add(name)
    for node in tree.walk():
        for attribute, name in node.attributes.items():
            kind = _NAMES.get(attribute)
            if (
                kind is None
                or node.tag == "default"
                or name not in said
                or name in known.get(kind, set())
            ):
                continue
            available = known.get(kind, set())
            problem = (
                str(UnknownName(kind, name, available))
                if available
                else f"there is no {kind} {name!r}"
            )
            return node.fail(problem)
    return None


def _check(tree: Node, fence: Fence, outer: tuple[Path, ...]) -> float:
    """Checks one model; `outer` are those that it is a part of. Returns its number of elements,
    copies counted."""
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
        _check_sizes(node, fence)
        if node.tag == "compiler":
            for name in _FOLDERS:
                fence.locate(node, node.attributes.get(name, ""), fence.folder)
        if node.tag == "model" and node.attributes.get("file"):
            inner = max(inner, _check_part(node, fence, outer))
            continue
        for attribute in _FILES:
            if node.attributes.get(attribute):
                _check_file(node, node.attributes[attribute], folders, fence)
    return _count_copies(tree, 1.0, 0.0, inner)


def _check_part(node: Node, fence: Fence, outer: tuple[Path, ...]) -> float:
    """Checks a model that this one takes parts from; returns its number of elements."""
    place = fence.locate(node, node.attributes["file"], fence.folder)
    if place in outer or len(outer) >= 8:
        raise node.fail("takes parts from itself, or from models more than 8 deep")
    if not place.exists():
        raise node.fail(f"there is no file {place}")
    tree, own = scan_model(place, fence.root, fence.budget)
    return _check(tree, own, (*outer, place))


def _count_copies(
    node: Node, copies: float, total: float, inner: float, cause: Node | None = None
) -> float:
    """`total` plus the elements of a tree that stands there `copies` times, its replicates and
    grids counted."""
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
        if attribute in _WORDS:
            continue
        for token in text.split():
            try:
                value = float(token)
            except ValueError:
                if not _NOT_FINITE.fullmatch(token):
                    break  # words
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


def _check_sizes(node: Node, fence: Fence) -> None:
    """Whatever takes memory or time by a mere number."""
    limits = dict(_SETTINGS)
    if node.tag == "size":
        users = {name: MAX_USER for name in node.attributes if name.startswith("nuser_")}
        limits = _SIZES | users
    for attribute, limit in limits.items():
        if attribute in node.attributes and _amount(node.attributes[attribute]) > limit:
            raise node.fail(
                f"{attribute} is {shorten(node.attributes[attribute])!r}; it may be at most {limit:,}"
            )
    for first, second in (("nrow", "ncol"), ("width", "height")):
        sizes = [_amount(node.attributes.get(name, "1")) for name in (first, second)]
        if node.tag not in {"hfield", "texture"}:
            continue
        if max(sizes) > MAX_GRID or sizes[0] * sizes[1] > MAX_GRID:
            raise node.fail(
                f"{first} times {second} may be at most {MAX_GRID:,}, not {sizes[0]:.0f} x {sizes[1]:.0f}"
            )
        faces = 1 if node.tag == "hfield" or node.attributes.get("type") == "2d" else 6
        _take_cells(node, fence, int(sizes[0] * sizes[1]) * faces)
    if node.tag == "texture" and _product(node.attributes.get("gridsize", "1")) > MAX_GRID:
        raise node.fail(f"gridsize may be at most {MAX_GRID:,} cells")


def _take_cells(node: Node, fence: Fence, count: int) -> None:
    fence.budget.num_cells += count
    if fence.budget.num_cells > MAX_CELLS:
        raise node.fail(
            f"all textures and height fields may have {MAX_CELLS:,} pixels or points together"
        )


def _product(text: str) -> float:
    return math.prod(max(1.0, _amount(token)) for token in text.split())


def _amount(text: str) -> float:
    """A number from 0 on, with or without a unit of bytes; 0 for what MuJoCo will refuse by
    itself."""
    unit = _UNITS.get(text.strip()[-1:].lower(), 1)
    try:
        value = float(text.strip().rstrip("kKmMgGtTpPeE")) * unit
    except ValueError:
        return 0.0
    return max(value, 0.0) if math.isfinite(value) else math.inf


def _folders(tree: Node) -> list[str]:
    """Folders that files may be meant to be in: which one counts for what, MuJoCo decides."""
    found = [""]
    for node in tree.walk():
        if node.tag == "compiler":
            found += [node.attributes[name] for name in _FOLDERS if node.attributes.get(name)]
    return list(dict.fromkeys(found))


def _check_file(node: Node, name: str, folders: list[str], fence: Fence) -> None:
    """A file that an element needs, looked at from outside."""
    places = list(_places(node, name, folders, fence))
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise node.fail(f"there is no file {places[-1]}")
    if not found.is_file():
        raise node.fail(f"{found} is not a regular file")
    size = found.stat().st_size
    if size > MAX_ASSET_BYTES:
        raise node.fail(
            f"{found} has {size / 2**20:.0f} MB; {MAX_ASSET_BYTES >> 20} MB is the most that is read"
        )
    fence.budget.take(node, size)
    with open(found, "rb") as file:
        start = file.read(24)
    if start.startswith(b"\x89PNG"):
        width = int.from_bytes(start[16:20], "big")
        height = int.from_bytes(start[20:24], "big")
        if width * height > MAX_CELLS:
            raise node.fail(
                f"{found} is a picture of {width} x {height}; {MAX_CELLS:,} pixels are the limit"
            )
        _take_cells(node, fence, width * height)


def _places(node: Node, name: str, folders: list[str], fence: Fence) -> Iterator[Path]:
    for folder in folders:
        yield fence.locate(node, name, fence.folder / folder)
        yield fence.locate(node, PurePosixPath(name.replace("\\", "/")).name, fence.folder / folder)
