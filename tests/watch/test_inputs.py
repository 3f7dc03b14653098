"""What `watch` may be given, and what contradicts itself."""

from pathlib import Path

import pytest

from musclehand.core.errors import InvalidValue
from musclehand.watch.inputs import WatchInputs

FILM = Path("film.mp4")
MARKS = Path("landmarks.h5")
SQUARE = ((0.0, 0.0), (100.0, 0.0), (100.0, 50.0), (0.0, 50.0))


def test_a_film_needs_nothing_else() -> None:
    assert WatchInputs(FILM).has_film


def test_landmarks_need_a_view_and_notes() -> None:
    with pytest.raises(InvalidValue, match="view"):
        WatchInputs(MARKS, midi=Path("a.mid"))
    with pytest.raises(InvalidValue, match="notes"):
        WatchInputs(MARKS, view=Path("view.json"))
    assert not WatchInputs(MARKS, view=Path("view.json"), sound=Path("a.wav")).has_film


@pytest.mark.parametrize(
    ("options", "thing"),
    [
        ({"midi": Path("a.mid"), "sound": Path("a.wav")}, "sound"),
        ({"view": Path("view.json"), "lowest": "C2"}, "view"),
        ({"clip": (5.0, 2.0)}, "clip"),
        ({"clip": (0.0, float("nan"))}, "clip"),
        ({"rate": 1.0}, "rate"),
        ({"rate": float("inf")}, "rate"),
        ({"lowest": "C9"}, "lowest"),
        ({"corners": SQUARE[:3]}, "corners"),
        ({"corners": SQUARE[::-1]}, "corners"),
        ({"corners": (*SQUARE[:3], (float("nan"), 0.0))}, "corners"),
    ],
)
def test_what_is_not_legal_is_named(options: dict, thing: str) -> None:
    with pytest.raises(InvalidValue, match=thing):
        WatchInputs(FILM, **options)


def test_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert WatchInputs(film).hashes() == {"film": digest}
