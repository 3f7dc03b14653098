"""Fingers of a film: agreement with those that played, by the errors of the landmarks.

    python experiments/bench_watch_fingers.py
    python experiments/bench_watch_fingers.py --film-landmarks L.h5 --film-view V.json \\
        --film-notes N.mid --film-fingers N.pkl          your copy of a film, and its labels

The planned motion of every bundled piece is filmed from above as landmarks with errors. Notes are
given, hands and fingers are to be found. Beside the search with evidence stand the rule of Tan et
al. (nearest fingertip to the key's point, mean over the note) and the planner without a film. The
same films test the clock and the cross-check of sound.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from harness.simulated_landmarks import LandmarkErrors, SimulatedFilm, film_piece, later
from musclehand.core.atomic import write_file
from musclehand.core.errors import FileError, InvalidValue
from musclehand.music.pitch import is_on_keyboard
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Score
from musclehand.planning.fingering.assign import assign_fingering
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.watch.clock import ClockError, find_clock
from musclehand.watch.contacts import bundled_keys, find_touches, track_tips
from musclehand.watch.cross_check import check_by_film
from musclehand.watch.evidence import FingerEvidence, chosen_fingers, weigh_touches
from musclehand.watch.fingers import watch_fingers
from musclehand.watch.landmarks import TIPS, HandLandmarks
from musclehand.watch.view import KeyboardView

TITLE = "Fingers of a film"

PROSE = """\
Share of the notes with the hand and the finger that played, on simulated films of all bundled
pieces: 30 frames a second, slow errors correlated over 0.3 s, times without a hand 0.3 s long on
the mean. In brackets: notes whose finger a person has chosen, on which the planner's own habits
cannot help. "All" adds the constant displacements of landmarks, jitter of 1.5 mm, and hidden
fingers in 10 % of the time. The constants of the evidence were chosen on films of the same pieces
with other errors drawn. Errors are standard deviations along each axis."""

CONFIG = FingeringConfig(release_early=True)

_ALL = {"offsets": 1.0, "hidden": 0.1, "jitter": 0.0015}

CONDITIONS = {
    "0": LandmarkErrors(),
    "5 mm": LandmarkErrors(slow=0.005),
    "10 mm": LandmarkErrors(slow=0.010),
    "20 mm": LandmarkErrors(slow=0.020),
    "5 mm, 20 % dropouts": LandmarkErrors(slow=0.005, dropouts=0.2),
    "10 mm, 20 % dropouts": LandmarkErrors(slow=0.010, dropouts=0.2),
    "20 mm, 20 % dropouts": LandmarkErrors(slow=0.020, dropouts=0.2),
    "white noise 5 mm": LandmarkErrors(jitter=0.005),
    "white noise 10 mm": LandmarkErrors(jitter=0.010),
    "white noise 20 mm": LandmarkErrors(jitter=0.020),
    "5 mm, 20 % dropouts, all": LandmarkErrors(slow=0.005, dropouts=0.2, **_ALL),
    "10 mm, 20 % dropouts, all": LandmarkErrors(slow=0.010, dropouts=0.2, **_ALL),
}
"""Errors of the landmarks."""

RULES = ("nearest fingertip over the note", "key area, first 250 ms", "search with evidence")
"""Columns of the table."""

DELAY = 0.8
"""[s] By which notes are moved against the film for the test of the clock."""

GHOSTS = {"an octave up": 12, "an octave down": -12, "a fifth up": 7}
"""Wrong notes for the test of the cross-check, in semitones."""


@dataclass(frozen=True)
class Args:
    """What to measure, and where the table goes."""

    pieces: tuple[str, ...] = ()
    """Names of pieces; all by default."""

    seed: int = 100
    """Of the errors; those of the choice of constants were 1 to 5."""

    film_landmarks: Path | None = None
    """Landmarks of a film of your own (`watch.landmarks_file`)."""

    film_view: Path | None = None
    """Its camera (`watch.view_file`)."""

    film_notes: Path | None = None
    """Its notes; MIDI."""

    film_fingers: Path | None = None
    """Labels of its fingers: a table `fingers.csv`, or the pickled notes of PianoMime, of which
    numbers alone are read."""

    out: Path = Path("runs/bench_watch_fingers")
    """Folder of the table."""

    results: bool = False
    """Write the results page."""


class Filmed(NamedTuple):
    """A film of a piece, and what is true of it."""

    film: SimulatedFilm
    """The film."""

    truth: np.ndarray
    """Hand and finger of each note: 5 times the hand plus the finger from 0. Shape (n,)."""

    person: np.ndarray
    """A person has chosen the finger. Shape (n,), bool."""

    bare: Score
    """The notes alone."""


def main(args: Args) -> None:
    """Measures, prints and keeps the tables."""
    names = [piece.name for piece in list_pieces()]
    films = [film_of(name) for name in args.pieces or names]
    parts = [
        finger_table(films, args.seed),
        "Clock: notes moved by 0.8 s against the film, all offsets tried.",
        clock_table(films, args.seed),
        "Cross-check: share of true notes kept, and of wrong notes rejected; hands always visible.",
        check_table(films, args.seed),
    ]
    if args.film_landmarks is not None:
        parts += ["A film of a person.", person_table(args)]
    table = "\n\n".join(parts)
    print(table)
    args.out.mkdir(parents=True, exist_ok=True)
    write_file(args.out / "table.md", table)
    if args.results:
        write_results_page(
            "watching_fingers", TITLE, command_of(__file__, args), f"{PROSE}\n\n{table}"
        )


def film_of(name: str) -> Filmed:
    """A film of a piece of the repertoire."""
    written = load_piece(name)
    film = film_piece(written)
    chosen = {
        (note.pitch, round(note.onset, 3)) for note in written.notes if note.finger is not None
    }
    start = film.score.notes[0].onset - written.notes[0].onset
    person = [(note.pitch, round(note.onset - start, 3)) in chosen for note in film.score.notes]
    bare = film.score.with_notes(replace(n, hand=None, finger=None) for n in film.score.notes)
    none = np.full(len(bare), -1)
    return Filmed(film, chosen_fingers(film.score, bare, fallback=none), np.array(person), bare)


def finger_table(films: Sequence[Filmed], seed: int) -> str:
    """Agreement of every rule under every condition."""
    rows = []
    for name, errors in CONDITIONS.items():
        hits: dict[str, list[np.ndarray]] = {rule: [] for rule in RULES}
        estimates = []
        for filmed in films:
            landmarks = filmed.film.landmarks(errors, seed=seed)
            choices, evidence = all_rules(landmarks, filmed.film.view, filmed.bare)
            estimates.append(evidence.error)
            for rule, choice in choices.items():
                hits[rule].append(choice == filmed.truth)
        person = np.concatenate([filmed.person for filmed in films])
        cells = [shares(np.concatenate(hits[rule]), person) for rule in RULES]
        rows.append([name, *cells, f"{1e3 * np.median(estimates):.1f}"])
    planned = [planner_alone(filmed.bare) == filmed.truth for filmed in films]
    person = np.concatenate([filmed.person for filmed in films])
    rows.append(["planner alone", "", "", shares(np.concatenate(planned), person), ""])
    return markdown_table(["errors", *RULES, "error estimated (mm)"], rows)


def shares(hits: np.ndarray, person: np.ndarray) -> str:
    """Share of all notes and of those with a person's finger, as a cell."""
    return f"{hits.mean():.3f} ({hits[person].mean() if person.any() else np.nan:.3f})"


def all_rules(
    landmarks: HandLandmarks, view: KeyboardView, bare: Score
) -> tuple[dict[str, np.ndarray], FingerEvidence]:
    """Choice of every rule, and the evidence.

    Args:
        landmarks: of the film.
        view: its camera.
        bare: notes without hands and fingers.
    """
    touches = find_touches(track_tips(landmarks, view), bare)
    evidence = weigh_touches(touches, bare, config=CONFIG)
    fingered = assign_fingering(bare, config=CONFIG, evidence=evidence.weighted)
    away = np.where(np.isnan(evidence.distance), np.inf, evidence.distance)
    none = np.full(len(bare), -1)
    choices = (
        published_rule(landmarks, view, bare),
        away.reshape(len(bare), -1).argmin(axis=1),
        chosen_fingers(fingered, bare, fallback=none),
    )
    return dict(zip(RULES, choices, strict=True)), evidence


def published_rule(landmarks: HandLandmarks, view: KeyboardView, bare: Score) -> np.ndarray:
    """The fingertip nearest to the key's point, mean over the note (Tan et al.). Shape (n,).

    Args:
        landmarks: of the film.
        view: its camera.
        bare: the notes.
    """
    keys = bundled_keys()
    points = np.stack([keys.x, keys.press_y.mean(axis=1), keys.top_z], axis=1)
    tips = landmarks.points[:, :, list(TIPS)]
    choice = np.zeros(len(bare), dtype=int)
    for i, note in enumerate(bare.notes):
        first, last = np.searchsorted(landmarks.time, [note.onset, note.offset])
        place = view.to_world(tips[first : max(last, first + 1)], float(points[note.key, 2]))
        away = np.linalg.norm(place - points[note.key], axis=-1)
        count = np.isfinite(away).sum(axis=0)
        mean = np.nansum(away, axis=0) / np.maximum(count, 1)
        choice[i] = np.where(count > 0, mean, np.inf).argmin()
    return choice


def planner_alone(bare: Score) -> np.ndarray:
    """Choice of the search without a film. Shape (n,)."""
    none = np.full(len(bare), -1)
    return chosen_fingers(assign_fingering(bare, config=CONFIG), bare, fallback=none)


def clock_table(films: Sequence[Filmed], seed: int) -> str:
    """Errors of the offset between film and notes."""
    rows = []
    for name in ("0", "5 mm", "10 mm", "5 mm, 20 % dropouts, all"):
        errors = []
        refused = 0
        for filmed in films:
            landmarks = filmed.film.landmarks(CONDITIONS[name], seed=seed)
            try:
                clock = find_clock(landmarks, filmed.film.view, later(filmed.bare, -DELAY))
                errors.append(clock.offset - DELAY)
            except ClockError:
                refused += 1
        size = 1e3 * np.abs(errors)
        cells = [f"{np.median(size):.0f}", f"{np.percentile(size, 90):.0f}"] if errors else ["", ""]
        rows.append([name, str(len(errors)), *cells, str(refused)])
    head = ["errors", "films", "median error (ms)", "90 % within (ms)", "refused: ambiguous"]
    return markdown_table(head, rows)


def check_table(films: Sequence[Filmed], seed: int) -> str:
    """True notes kept and wrong notes rejected."""
    rows = []
    for name in ("0", "5 mm", "10 mm"):
        kept = {"": [0, 0], **{ghost: [0, 0] for ghost in GHOSTS}}
        for filmed in films:
            view = filmed.film.view
            landmarks = filmed.film.landmarks(CONDITIONS[name], seed=seed)
            evidence = weigh_touches(
                find_touches(track_tips(landmarks, view), filmed.bare), filmed.bare
            )
            for ghost, semitones in {"": 0, **GHOSTS}.items():
                moved = [
                    replace(note, pitch=note.pitch + semitones)
                    for note in filmed.bare.notes
                    if is_on_keyboard(note.pitch + semitones)
                ]
                score = filmed.bare.with_notes(moved)
                check = check_by_film(
                    landmarks, view, score, error=evidence.error, offset=evidence.offset
                )
                kept[ghost][0] += len(check.score)
                kept[ghost][1] += len(score)
        cells = [f"{1 - kept[ghost][0] / kept[ghost][1]:.3f}" for ghost in GHOSTS]
        rows.append([name, f"{kept[''][0] / kept[''][1]:.3f}", *cells])
    return markdown_table(["errors", "true notes kept", *(f"{g} rejected" for g in GHOSTS)], rows)


def person_table(args: Args) -> str:
    """Agreement on a film of a person.

    Raises:
        InvalidValue: a file of the film is not given.
    """
    from musclehand.music.formats.midi import read_midi
    from musclehand.watch.landmarks_file import read_landmarks
    from musclehand.watch.view_file import read_view

    paths = (args.film_landmarks, args.film_view, args.film_notes, args.film_fingers)
    if None in paths:
        raise InvalidValue("files of the film", paths, "landmarks, view, notes and fingers")
    landmarks_path, view_path, notes_path, fingers_path = (Path(str(path)) for path in paths)
    landmarks, view = read_landmarks(landmarks_path), read_view(view_path)
    notes = read_midi(notes_path)
    clock = find_clock(landmarks, view, notes)
    bare = clock.to_film(notes)
    labels = read_labels(fingers_path, notes)
    counted = labels >= 0
    choices, evidence = all_rules(landmarks, view, bare)
    choices["planner alone"] = planner_alone(bare)
    rows = [[rule, f"{(choice == labels)[counted].mean():.3f}"] for rule, choice in choices.items()]
    watched = watch_fingers(landmarks, view, bare)
    check = check_by_film(landmarks, view, bare, error=evidence.error, offset=evidence.offset)
    rows += [
        ["notes", str(int(counted.sum()))],
        ["uncertain", str(int(watched.uncertain.sum()))],
        ["error estimated (mm)", f"{1e3 * evidence.error:.1f}"],
        ["clock: offset (s), drift", f"{clock.offset:.3f}, {clock.drift:.5f}"],
        ["true notes kept", f"{len(check.score) / len(bare):.3f}"],
    ]
    return markdown_table(["rule", "agreement"], rows)


class _Record:
    """Any object of a pickle, as its attributes."""

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


class _NumbersOnly(pickle.Unpickler):
    """Reads the numbers of a pickle; nothing that it names is run but the reading of numbers."""

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in for everything but numpy's scalars and types of numbers."""
        if (module.split(".")[0], name) == ("numpy", "scalar"):
            return lambda dtype, data: int(np.frombuffer(data, dtype="<i8")[0])
        return _Record


def read_labels(path: Path, score: Score) -> np.ndarray:
    """Hand and finger of each note by a file: 5 times the hand plus the finger from 0, -1 for none.

    In PianoMime's notes, fingers are 0 to 4 of the right hand from the thumb, and 5 to 9 of the
    left one. A key that is held has its note in every step.

    Args:
        path: `fingers.csv` or a pickle of PianoMime.
        score: the notes.

    Raises:
        FileError: it is neither.
    """
    if path.suffix == ".csv":
        from musclehand.watch.fingers_file import read_fingers

        table = [(row.onset, row.pitch, row.choice) for row in read_fingers(path)]
        labels = np.full(len(score), -1)
        for i, note in enumerate(score.notes):
            near = [c for t, p, c in table if p == note.pitch and abs(t - note.onset) < 0.05 and c]
            labels[i] = 5 * int(near[0].hand) + int(near[0].finger) - 1 if near else -1
        return labels
    try:
        record = _NumbersOnly(io.BytesIO(path.read_bytes())).load()
        steps = [[(int(n.key), int(n.fingering)) for n in step] for step in record.notes]
        dt = float(record.dt)
    except (OSError, pickle.UnpicklingError, AttributeError, TypeError, ValueError) as error:
        raise FileError(path, f"no notes of PianoMime ({error})") from error
    first = score.notes[0].onset
    labels = np.full(len(score), -1)
    for i, note in enumerate(score.notes):
        begin = round((note.onset - first) / dt)
        votes = [
            finger
            for step in steps[max(0, begin) : begin + max(2, round(note.duration / dt))]
            for key, finger in step
            if key == note.key and 0 <= finger <= 9
        ]
        if votes:
            finger = votes[0]
            labels[i] = 5 + finger if finger < 5 else finger - 5
    return labels


if __name__ == "__main__":
    run_script(main, Args, __doc__)
