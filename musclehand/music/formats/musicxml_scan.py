"""Safe parsing of MusicXML, plain or compressed, into a small tree of the elements that a keyboard
needs.

Nothing outside the file is ever read: external entities and document type definitions are not
loaded. A file that declares entities or attributes of its own is refused, which rules out expansion
attacks. MusicXML needs neither; its usual DOCTYPE line names an external definition and is
harmless, and so is an internal subset that declares neither. Elements, depth and sizes are counted
while the standard library's expat walks the file; of an archive, the sizes are checked before a
member is opened, and no more than the limit is ever unpacked. Format: MusicXML 4.0, W3C Music
Notation Community Group, 2021.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from os import PathLike
from xml.etree.ElementTree import Element, SubElement
from xml.parsers import expat

from musclehand.core.errors import ScoreError
from musclehand.music.formats.score_file import MAX_FILE_BYTES

MAX_ELEMENTS = 600_000
"""Most XML elements in a MusicXML file. A note takes about a dozen."""

MAX_DEPTH = 64
"""Deepest nesting of XML elements. MusicXML itself nests about ten deep."""

MAX_MEMBERS = 256
"""Most files in a compressed MusicXML archive."""

_ROOTS = ("score-partwise", "score-timewise")
_STRUCTURE = """score-partwise score-timewise work work-title movement-title part-list score-part
    part-name part measure attributes divisions staves time beats beat-type key fifths transpose
    chromatic octave-change
    double measure-style measure-repeat beat-repeat note grace cue chord pitch step alter octave
    rest unpitched duration tie voice type staff notations technical fingering backup forward
    direction direction-type words segno coda wedge offset dynamics metronome beat-unit
    beat-unit-dot per-minute pedal sound swing straight barline ending repeat fermata"""
_SIGNS = """tied articulations accent strong-accent soft-accent stress unstress staccato
    staccatissimo spiccato tenuto detached-legato breath-mark caesura scoop plop doit falloff
    ornaments trill-mark shake turn inverted-turn delayed-turn delayed-inverted-turn vertical-turn
    inverted-vertical-turn mordent inverted-mordent schleifer haydn tremolo wavy-line
    accidental-mark other-ornament arpeggiate glissando slide"""
_DYNAMICS = """pppppp ppppp pppp ppp pp p mp mf f ff fff ffff fffff ffffff fp pf sf sfp sfpp sfz
    sffz sfzp fz rf rfz n other-dynamics"""
_KEPT = frozenset(f"{_STRUCTURE} {_SIGNS} {_DYNAMICS}".split())
_CONTAINER = frozenset(("container", "rootfiles", "rootfile"))
_ATTRIBUTES = """id number type tempo dynamics dacapo dalsegno segno tocoda coda fine direction
    times full-path location after-jump forward-repeat damper-pedal sound placement time-only"""
_KEPT_ATTRIBUTES = frozenset(_ATTRIBUTES.split())


def scan_musicxml(data: bytes, path: str | PathLike[str]) -> Element:
    """Parse a MusicXML file into its `score-partwise` tree.

    A time-wise file (measures that hold parts) is turned into a part-wise one.

    Args:
        data: the bytes of the file.
        path: name of the file, for the error message.

    Raises:
        ScoreError: not MusicXML, malformed (with line and column), with entities of its own, a
            damaged or oversized archive, or above a limit of this module.
    """
    if data.startswith(b"PK"):
        data = _unpack(data, path)
    root = _Builder(path, _KEPT).build(data)
    if root.tag not in _ROOTS:
        raise ScoreError(path, f"is XML, but not MusicXML: it begins with <{root.tag[:40]}>")
    return root if root.tag == "score-partwise" else _partwise(root)


class _Builder:
    """Builds the tree of the elements in `kept`; all others are left out with their content."""

    def __init__(self, path: str | PathLike[str], kept: frozenset[str]) -> None:
        self._path = path
        self._kept = kept
        self._open: list[Element] = []
        self._root: Element | None = None
        self._depth = self._skipped_from = self._count = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self._parser.EntityDeclHandler = self._entity
        self._parser.AttlistDeclHandler = self._attribute_default
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def build(self, data: bytes) -> Element:
        """The tree of a whole file, parsed at once: expat is quadratic in long tokens fed in
        pieces."""
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            place = f"line {error.lineno}, column {error.offset + 1}"
            raise ScoreError(
                self._path, f"is not well-formed XML: {expat.ErrorString(error.code)}", where=place
            ) from None
        except (ValueError, LookupError) as error:  # an encoding that Python or expat cannot map
            raise ScoreError(
                self._path, f"is in a text encoding that cannot be read: {error}"
            ) from None
        if self._root is None:
            raise ScoreError(self._path, "is XML, but not MusicXML")
        return self._root

    def _fail(self, problem: str) -> ScoreError:
        return ScoreError(self._path, problem, where=f"line {self._parser.CurrentLineNumber}")

    def _entity(self, *_: object) -> None:
        raise self._fail(
            "declares XML entities of its own, which MusicXML does not need; refused for safety"
        )

    def _attribute_default(self, *_: object) -> None:
        raise self._fail(
            "declares XML attributes of its own, which MusicXML does not need; refused for safety"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise self._fail(f"has more than {MAX_ELEMENTS:,} XML elements, the limit")
        if self._depth > MAX_DEPTH:
            raise self._fail(f"nests XML elements more than {MAX_DEPTH} deep")
        if self._skipped_from:
            return
        if tag not in self._kept and self._depth > 1:
            self._skipped_from = self._depth
            return
        kept = {name: value for name, value in attributes.items() if name in _KEPT_ATTRIBUTES}
        if self._open:
            self._open.append(SubElement(self._open[-1], tag, kept))
        else:
            self._root = Element(tag, kept)
            self._open.append(self._root)

    def _end(self, tag: str) -> None:
        if not self._skipped_from:
            self._open.pop()
        elif self._skipped_from == self._depth:
            self._skipped_from = 0
        self._depth -= 1

    def _text(self, text: str) -> None:
        if not self._skipped_from and self._open and text.strip():
            element = self._open[-1]
            element.text = text if element.text is None else element.text + text


def _partwise(timewise: Element) -> Element:
    """Measures that hold parts, turned into parts that hold measures."""
    root = Element("score-partwise")
    parts: dict[str, Element] = {}
    for child in timewise:
        if child.tag != "measure":
            root.append(child)
            continue
        for part in child.findall("part"):
            name = part.get("id", "")
            if name not in parts:
                parts[name] = SubElement(root, "part", id=name)
            measure = SubElement(parts[name], "measure", number=child.get("number", ""))
            measure.extend(part)
    return root


def _unpack(data: bytes, path: str | PathLike[str]) -> bytes:
    """The MusicXML file in a compressed archive (.mxl)."""
    if data.count(b"PK\x01\x02") > MAX_MEMBERS:
        raise ScoreError(
            path, f"is an archive of more than {MAX_MEMBERS} files; compressed MusicXML holds a few"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: info for info in archive.infolist()}
            name = _score_name(archive, members, path)
            if name not in members:
                raise ScoreError(
                    path, f"is an archive without the score that it names, {name[:80]!r}"
                )
            return _member(archive, members[name], path)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
        LookupError,
    ) as error:
        raise ScoreError(path, f"is a damaged archive: {error}") from None


def _score_name(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: str | PathLike[str]
) -> str:
    """The name that META-INF/container.xml gives, or else that of the first XML file."""
    container = members.get("META-INF/container.xml")
    if container is not None:
        tree = _Builder(path, _CONTAINER).build(_member(archive, container, path))
        rootfile = tree.find(".//rootfile")
        if rootfile is not None and rootfile.get("full-path"):
            return rootfile.get("full-path", "")
    scores = [
        name
        for name in members
        if name.lower().endswith((".xml", ".musicxml")) and "META-INF" not in name
    ]
    if not scores:
        raise ScoreError(path, "is an archive without a MusicXML score in it")
    return scores[0]


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str | PathLike[str]) -> bytes:
    """Unpack a file of the archive, deflated or stored only.

    MusicXML names no other compression, and others unpack without bound.
    """
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise ScoreError(
            path, f"holds {info.filename[:80]!r} encrypted or in a compression other than deflate"
        )
    if info.file_size > MAX_FILE_BYTES:
        raise ScoreError(
            path,
            f"holds {info.filename[:80]!r} of {info.file_size:,} bytes; "
            f"a score may have {MAX_FILE_BYTES:,}",
        )
    with archive.open(info) as member:
        content = member.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ScoreError(
            path, f"holds {info.filename[:80]!r} of more than {MAX_FILE_BYTES:,} bytes"
        )
    return content
