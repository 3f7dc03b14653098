"""Hands of a painted film, end to end: names, pieces, resumption, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue, OutputError
from musclehand.watch import track_hands
from musclehand.watch.film import Film, FilmError, open_film
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.networks import HandNetworks
from musclehand.watch.track_hands import detect_hands, orientation, orientation_fault
from musclehand.watch.track_store import clear_pieces
from support.painted_hands import PaintedLandmarks, PaintedPalms, hand_shape, paint
from support.small_films import encode

NETWORKS = HandNetworks(Path("palm"), Path("landmarks"), ("a", "b"))
FRAMES = 150


def middles(frame: int) -> list[tuple[float, float] | None]:
    """Hands that play; the right one is away for a second."""
    left = (90 + 20 * np.sin(frame / 12), 80.0)
    right = (230 + 15 * np.cos(frame / 9), 84.0)
    return [left, None if 60 <= frame < 90 else right]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    path = tmp_path_factory.mktemp("painted") / "a.mkv"
    pictures = np.stack([paint(middles(frame)) for frame in range(FRAMES)])
    return open_film(encode(path, pictures, 30.0, "-c:v", "ffv1", "-pix_fmt", "bgr0"))


@pytest.fixture(autouse=True)
def _painted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track_hands, "PalmDetector", PaintedPalms)
    monkeypatch.setattr(track_hands, "LandmarkNetwork", PaintedLandmarks)
    monkeypatch.setattr(track_hands, "PIECE", 1.0)


def test_hands_are_where_they_were_painted(film: Film) -> None:
    result = detect_hands(film, networks=NETWORKS)
    assert len(result.time) == FRAMES
    assert result.size == film.size
    assert result.source["film_sha256"] == film.sha256
    truth = np.stack([hand_shape(0, middles(frame)[0]) for frame in range(FRAMES)])
    assert np.abs(result.points[:, 0] - truth).max() < 1.0
    assert result.detected[:, 0].all()
    away = np.zeros(FRAMES, dtype=bool)
    away[60:90] = True
    assert not result.detected[away, 1].any()
    assert result.detected[~away, 1].mean() > 0.9
    assert (result.presence[~result.detected] == 0).all()


def test_every_second_picture(film: Film) -> None:
    result = detect_hands(film, networks=NETWORKS, rate=15.0, start=1.0, stop=3.0)
    assert np.allclose(result.time, np.arange(30, 90, 2) / 30)


def test_large_pictures_are_made_smaller(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track_hands, "WORKING_SIDE", film.size[0] // 2)
    result = detect_hands(film, networks=NETWORKS, stop=1.0)
    middle = result.points[:, 0].mean(axis=1) - 2 * hand_shape(0).mean(axis=0)
    truth = np.stack([middles(frame)[0] for frame in range(30)])
    assert np.abs(middle - truth).max() < 2.0


def test_progress_counts_seconds_of_film(film: Film) -> None:
    calls: list[tuple[float, float]] = []
    detect_hands(film, networks=NETWORKS, stop=2.0, progress=lambda *c: calls.append(c))
    assert calls[-1] == pytest.approx((2.0, 2.0))
    assert calls == sorted(calls)


class Stop(Exception):
    pass


def interrupt_at(seconds: float):
    def progress(done: float, total: float) -> None:
        if done >= seconds:
            raise Stop

    return progress


def assert_same(first: HandLandmarks, second: HandLandmarks) -> None:
    for name in ("time", "points", "presence", "bridged"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("seconds", [0.1, 1.0, 2.53, 3.4, 4.9])
def test_a_stopped_tracking_ends_with_the_same_numbers(
    film: Film, tmp_path: Path, seconds: float
) -> None:
    whole = detect_hands(film, networks=NETWORKS)
    with pytest.raises(Stop):
        detect_hands(film, networks=NETWORKS, out=tmp_path, progress=interrupt_at(seconds))
    assert len(list(tmp_path.iterdir())) == int(seconds - 1 / 60)
    assert_same(detect_hands(film, networks=NETWORKS, out=tmp_path), whole)


def test_finished_pieces_are_not_computed_again(
    film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = detect_hands(film, networks=NETWORKS, out=tmp_path)
    monkeypatch.setattr(track_hands, "_track_piece", None)
    assert_same(detect_hands(film, networks=NETWORKS, out=tmp_path), whole)
    clear_pieces(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["shorter", "longer", "changed", "exchanged", "empty"])
def test_damaged_pieces_are_computed_again(film: Film, tmp_path: Path, damage: str) -> None:
    whole = detect_hands(film, networks=NETWORKS, out=tmp_path)
    paths = sorted(tmp_path.iterdir())
    content = bytearray(paths[1].read_bytes())
    content[len(content) // 2] ^= 1
    changed = {
        "shorter": bytes(content[:-5]),
        "longer": paths[1].read_bytes() + b"x",
        "changed": bytes(content),
        "exchanged": paths[2].read_bytes(),
        "empty": b"",
    }
    paths[1].write_bytes(changed[damage])
    assert_same(detect_hands(film, networks=NETWORKS, out=tmp_path), whole)


def test_pieces_of_another_film_or_setting_are_not_used(film: Film, tmp_path: Path) -> None:
    detect_hands(film, networks=NETWORKS, out=tmp_path, stop=2.0)
    band = (0.0, 0.0, 160.0, 160.0)
    result = detect_hands(film, networks=NETWORKS, out=tmp_path, stop=2.0, band=band)
    assert not result.detected[:, 1].any()


def test_a_film_without_hands_is_refused(tmp_path: Path) -> None:
    film = open_film(encode(tmp_path / "a.mkv", np.stack([paint([None, None])] * 40)))
    with pytest.raises(FilmError, match="no hand in any of 40 pictures"):
        detect_hands(film, networks=NETWORKS)


@pytest.mark.parametrize(
    "band", [(0, 0, 0, 10), (50, 0, 20, 10), (400, 0, 500, 10), (0, 0, np.nan, 10)]
)
def test_a_band_outside_the_picture_is_refused(
    film: Film, band: tuple[float, float, float, float]
) -> None:
    with pytest.raises(InvalidValue, match="band"):
        detect_hands(film, networks=NETWORKS, band=band)


def test_a_missing_folder_is_refused(film: Film, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such folder"):
        detect_hands(film, networks=NETWORKS, out=tmp_path / "none")


def test_a_single_picture_is_refused(film: Film) -> None:
    with pytest.raises(InvalidValue, match="number of pictures"):
        detect_hands(film, networks=NETWORKS, start=1.0, stop=1.02)


def turned(result: HandLandmarks, x: int, y: int) -> HandLandmarks:
    """The landmarks of a film that was turned over."""
    points = result.points * [x, y] + [result.size[0] * (x < 0), result.size[1] * (y < 0)]
    return HandLandmarks(result.time, points, result.presence, result.bridged, result.size)


def test_the_orientation_of_the_picture_is_told(film: Film) -> None:
    result = detect_hands(film, networks=NETWORKS, stop=2.0)
    assert orientation(result) == (1.0, 1.0)
    assert orientation_fault(result) is None
    assert "180 degrees" in str(orientation_fault(turned(result, -1, -1)))
    assert "mirrored" in str(orientation_fault(turned(result, 1, -1)))
    assert "left hand is on the right" in str(orientation_fault(turned(result, -1, 1)))
