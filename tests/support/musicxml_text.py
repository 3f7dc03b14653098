"""MusicXML written by hand for tests: one piano part, four divisions to the quarter note."""

from pathlib import Path

from musclehand.music.formats.musicxml import read_musicxml
from musclehand.music.score import Score

DIVISIONS = "<attributes><divisions>4</divisions></attributes>"
TWO_STAVES = "<attributes><divisions>4</divisions><staves>2</staves></attributes>"
NO_TEMPO = "no tempo is marked; played at 120 quarter notes a minute"


def xml(*measures: str, name: str = "Piano") -> str:
    """A file of one part, from the content of its measures."""
    body = "".join(
        f'<measure number="{i}">{measure}</measure>' for i, measure in enumerate(measures, start=1)
    )
    parts = f'<part-list><score-part id="P1"><part-name>{name}</part-name></score-part></part-list>'
    return f'<score-partwise version="4.0">{parts}<part id="P1">{body}</part></score-partwise>'


def note(
    pitch: str = "C4",
    duration: float = 4,
    *,
    staff: int = 1,
    first: str = "",
    more: str = "",
    attributes: str = "",
) -> str:
    """A note; a quarter by default."""
    alter = f"<alter>{1 if '#' in pitch else 0}</alter>"
    length = "" if "grace" in first else f"<duration>{duration}</duration>"
    place = f"<step>{pitch[0]}</step>{alter}<octave>{pitch[-1]}</octave>"
    return (
        f"<note {attributes}>{first}<pitch>{place}</pitch>{length}"
        f"<voice>{staff}</voice><staff>{staff}</staff>{more}</note>"
    )


def notations(inside: str) -> str:
    """Signs of a note."""
    return f"<notations>{inside}</notations>"


def direction(kind: str = "", sound: str = "", *, more: str = "", attributes: str = "") -> str:
    """A direction, with attributes of its `<sound>`."""
    played = sound and f"<sound {sound}/>"
    what = kind or "<words/>"
    return (
        f"<direction {attributes}><direction-type>{what}</direction-type>{more}{played}</direction>"
    )


def barline(inside: str, location: str = "right") -> str:
    """A bar line with repeats and endings."""
    return f'<barline location="{location}">{inside}</barline>'


def read(folder: Path, text: str | bytes, name: str = "piece.musicxml") -> Score:
    """The score of a file of this text."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_musicxml(path)


def times(score: Score) -> list[tuple[int, float, float]]:
    """Pitch, onset and offset [s] of every note."""
    return [(n.pitch, round(n.onset, 6), round(n.offset, 6)) for n in score.notes]


def pitches(score: Score) -> list[int]:
    """Pitches in order of time."""
    return [n.pitch for n in score.notes]


def velocities(score: Score) -> list[int]:
    """Velocities in order of time."""
    return [n.velocity for n in score.notes]
