"""Edits of an exported hand as its students make them: in the text of its XML."""

import copy
from collections.abc import Callable
from typing import TypeAlias
from xml.etree import ElementTree

import numpy as np

Edit: TypeAlias = "Callable[[HandXml], None]"
"""Changes the XML of a hand in place."""

LENGTHS = (
    ("body", "pos"),
    ("site", "pos"),
    ("joint", "pos"),
    *(("geom", a) for a in ("pos", "size")),
)
"""Attributes with lengths, by element."""


class HandXml:
    """The XML of a hand, with short ways to reach and to change its elements."""

    def __init__(self, text: str) -> None:
        self.root = ElementTree.fromstring(text)

    def copy(self) -> "HandXml":
        """A copy to edit."""
        return copy.deepcopy(self)

    def text(self) -> str:
        """The XML as text."""
        return ElementTree.tostring(self.root, encoding="unicode")

    def section(self, tag: str) -> ElementTree.Element:
        """The first element of a tag."""
        return next(self.root.iter(tag))

    def part(self, tag: str, name: str) -> ElementTree.Element:
        """The element of a tag and name."""
        (element,) = (e for e in self.root.iter(tag) if e.get("name") == name)
        return element

    def parent(self, element: ElementTree.Element) -> ElementTree.Element:
        """The element that an element is in."""
        return next(e for e in self.root.iter() if element in list(e))

    def numbers(self, tag: str, name: str, attribute: str) -> np.ndarray:
        """The numbers of an attribute."""
        return np.array(self.part(tag, name).get(attribute).split(), dtype=float)

    def path(self, muscle: str) -> ElementTree.Element:
        """The tendon of a muscle."""
        return self.part("spatial", muscle)

    def path_site(self, muscle: str, place: int) -> ElementTree.Element:
        """The site that a path has at a place, such as -1 for the insertion."""
        names = [station.get("site") for station in self.path(muscle) if station.get("site")]
        return self.part("site", names[place])


def put(tag: str, part: str, **attributes: str | None) -> Edit:
    """Sets attributes of a part; None removes one, `class_` is `class`."""

    def edit(hand: HandXml) -> None:
        _set(hand.part(tag, part), attributes)

    return edit


def put_first(tag: str, **attributes: str | None) -> Edit:
    """Sets attributes of the first element of a tag, such as the compiler's."""

    def edit(hand: HandXml) -> None:
        _set(hand.section(tag), attributes)

    return edit


def _set(element: ElementTree.Element, attributes: dict[str, str | None]) -> None:
    for key, value in attributes.items():
        if value is None:
            element.attrib.pop(key, None)
        else:
            element.set(key.rstrip("_"), value)


def times(tag: str, part: str, attribute: str, *factors: float) -> Edit:
    """Multiplies the numbers of an attribute by one factor, or each by its own."""

    def edit(hand: HandXml) -> None:
        _scale(hand.part(tag, part), attribute, factors)

    return edit


def times_all(tag: str, attribute: str, factor: float) -> Edit:
    """Multiplies an attribute of all elements of a tag."""

    def edit(hand: HandXml) -> None:
        for element in hand.root.iter(tag):
            if element.get(attribute) is not None:
                _scale(element, attribute, (factor,))

    return edit


def _scale(element: ElementTree.Element, attribute: str, factors: tuple[float, ...]) -> None:
    values = np.array(element.get(attribute).split(), dtype=float)
    element.set(attribute, " ".join(f"{value:.9g}" for value in values * factors))


def swapped(tag: str, part: str, attribute: str) -> Edit:
    """Exchanges the two numbers of an attribute."""

    def edit(hand: HandXml) -> None:
        element = hand.part(tag, part)
        element.set(attribute, " ".join(element.get(attribute).split()[::-1]))

    return edit


def copied(tag: str, part: str, attribute: str, source: str) -> Edit:
    """Gives a part the attribute of another one."""

    def edit(hand: HandXml) -> None:
        hand.part(tag, part).set(attribute, hand.part(tag, source).get(attribute))

    return edit


def exchanged(tag: str, parts: tuple[str, str], attribute: str) -> Edit:
    """Exchanges an attribute of two parts."""

    def edit(hand: HandXml) -> None:
        first, second = (hand.part(tag, part) for part in parts)
        a, b = first.get(attribute, "0 0 1"), second.get(attribute, "0 0 1")
        first.set(attribute, b)
        second.set(attribute, a)

    return edit


def removed(tag: str, part: str) -> Edit:
    """Removes a part, and the keyframes, which a model with fewer parts does not have."""

    def edit(hand: HandXml) -> None:
        element = hand.part(tag, part)
        hand.parent(element).remove(element)
        without_keyframes(hand)

    return edit


def without_keyframes(hand: HandXml) -> None:
    """Removes the keyframes, whose length is that of the model."""
    for keyframe in hand.root.findall("keyframe"):
        hand.root.remove(keyframe)


def added(parent: str, text: str) -> Edit:
    """Adds an element, given as text, at the end of the first element of a tag."""

    def edit(hand: HandXml) -> None:
        hand.section(parent).append(ElementTree.fromstring(text))
        without_keyframes(hand)

    return edit


def renamed(old: str, new: str) -> Edit:
    """Renames a part wherever it is named, as a search in an editor does."""

    def edit(hand: HandXml) -> None:
        for element in hand.root.iter():
            for key, value in element.attrib.items():
                if value == old:
                    element.set(key, new)

    return edit


def names_exchanged(first: str, second: str) -> Edit:
    """Exchanges the names of two parts wherever they are named."""
    return all_of(renamed(first, "@"), renamed(second, first), renamed("@", second))


def all_of(*edits: Edit) -> Edit:
    """Several edits, in order."""

    def edit(hand: HandXml) -> None:
        for each in edits:
            each(hand)

    return edit


def axis_turned(joint: str, degrees: float) -> Edit:
    """Turns the axis of a joint towards the back of the hand."""

    def edit(hand: HandXml) -> None:
        axis = np.array(hand.part("joint", joint).get("axis", "0 0 1").split(), dtype=float)
        axis /= np.linalg.norm(axis)
        across = np.array([0.0, 0.0, 1.0]) if abs(axis[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
        across = across - axis * (axis @ across)
        across /= np.linalg.norm(across)
        angle = np.deg2rad(degrees)
        turned = np.cos(angle) * axis + np.sin(angle) * across
        hand.part("joint", joint).set("axis", " ".join(f"{value:.9g}" for value in turned))

    return edit


def fibre(muscle: str, *, l0: float = 1.0, slack: float | None = None) -> Edit:
    """Multiplies the optimal fibre length of a muscle, and sets its tendon slack length [m]."""

    def edit(hand: HandXml) -> None:
        short, long = hand.numbers("muscle", muscle, "lengthrange")
        low, high = hand.numbers("muscle", muscle, "range")
        old = (long - short) / (high - low)
        new = old * l0
        lts = short - low * old if slack is None else slack
        span = f"{(short - lts) / new:.9g} {(long - lts) / new:.9g}"
        hand.part("muscle", muscle).set("range", span)

    return edit


def muscle_copied(muscle: str, name: str) -> Edit:
    """Adds a muscle with the path and the numbers of another one."""

    def edit(hand: HandXml) -> None:
        tendon = copy.deepcopy(hand.path(muscle))
        tendon.set("name", name)
        hand.root.find("tendon").append(tendon)
        actuator = copy.deepcopy(hand.part("muscle", muscle))
        actuator.set("name", name)
        actuator.set("tendon", name)
        hand.root.find("actuator").append(actuator)
        without_keyframes(hand)

    return edit


def stations(muscle: str, change: Callable[[list[ElementTree.Element]], list]) -> Edit:
    """Changes the list of stations of a path."""

    def edit(hand: HandXml) -> None:
        path = hand.path(muscle)
        path[:] = change(list(path))

    return edit


def site_mirrored(muscle: str, place: int) -> Edit:
    """Reflects a point of a path, as when it is copied from the hand of the other side."""

    def edit(hand: HandXml) -> None:
        _scale(hand.path_site(muscle, place), "pos", (1.0, 1.0, -1.0))

    return edit


def site_moved(muscle: str, place: int, shift: tuple[float, float, float]) -> Edit:
    """Moves a point of a path [m]."""

    def edit(hand: HandXml) -> None:
        site = hand.path_site(muscle, place)
        pos = np.array(site.get("pos").split(), dtype=float) + shift
        site.set("pos", " ".join(f"{value:.9g}" for value in pos))

    return edit


def in_unit(factor: float) -> Edit:
    """All lengths of the hand times a factor: 1000 for millimetres."""
    return all_of(
        *(times_all(tag, attribute, factor) for tag, attribute in LENGTHS),
        times_all("muscle", "lengthrange", factor),
    )
