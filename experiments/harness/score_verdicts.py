"""Who is right where readers of scores differ, for each file that was looked at."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import NamedTuple


class Verdict(NamedTuple):
    """Who reads a file right, and why."""

    right: str
    """Names of readers, or "either"."""

    reason: str
    """What the file says, or the standard."""


OURS = "musclehand"
WITH_MUSIC21 = "musclehand and music21"
WITH_PARTITURA = "musclehand and partitura"
EITHER = "either"

_VERDICTS: tuple[tuple[str, str, str], ...] = (
    (
        "*/01d-Pitches-Microtones.xml",
        EITHER,
        "quarter tones have no key; we and music21 round up from the middle, partitura down",
    ),
    (
        "*/02e-Rests-NoType.xml",
        WITH_PARTITURA,
        "a note without a staff; music21 gives the note of the lower staff twice",
    ),
    (
        "*/03e-Rhythm-No-Divisions.xml",
        WITH_PARTITURA,
        "divisions that are missing are 1, the file says; music21 gives the note no length",
    ),
    (
        "*/03f-Rhythm-Forward.xml",
        WITH_PARTITURA,
        "the last forward fills the bar; music21 begins the next bar early",
    ),
    (
        "*/11h-TimeSignatures-SenzaMisura.xml",
        WITH_PARTITURA,
        "two voices of a bar begin together; music21 puts the second behind the first",
    ),
    (
        "*/21b-Chords-TwoNotes.xml",
        OURS,
        "chords tied by `tied` without `tie`, as LilyPond's suite has them since 2025",
    ),
    (
        "*/21f-Chord-ElementInBetween.xml",
        WITH_PARTITURA,
        "a direction between the notes of a chord does not end it, the file says",
    ),
    (
        "*/24b-ChordAsGraceNote.xml",
        OURS,
        "two grace chords are tied to each other and to the main chord, the file says",
    ),
    (
        "*/24[cd]-*.xml",
        WITH_MUSIC21,
        "grace notes behind a note, at the end of a bar; partitura loses them",
    ),
    (
        "*/33f-Trill-EndingOnGraceNote.xml",
        WITH_MUSIC21,
        "grace notes behind the trill; partitura loses them",
    ),
    (
        "*/33i-Ties-NotEnded.xml",
        EITHER,
        "ties without an end; we and partitura strike the next note, music21 ties it",
    ),
    (
        "*/33k-Tie-Types.xml",
        OURS,
        "ties by `tied` without `tie`, as LilyPond's suite has them since 2025",
    ),
    (
        "*/34b-Colors.xml",
        OURS,
        "a tie by `tied` without `tie`, as LilyPond's suite has them since 2025",
    ),
    (
        "*/32c-MultipleNotationChildren.xml",
        OURS,
        "`accidental` is drawn and `alter` sounds (MusicXML); the others take the drawn sharp",
    ),
    (
        "*/41c-StaffGroups.xml",
        WITH_MUSIC21,
        "transposing instruments sound; partitura gives written pitch",
    ),
    (
        "*/72[abc]-*.xml",
        WITH_MUSIC21,
        "transposing instruments sound; partitura gives written pitch",
    ),
    (
        "*/45g-Repeats-NotEnded.xml",
        OURS,
        "a repeat that never ends is not repeated; partitura repeats the last bar, music21 refuses",
    ),
    (
        "*/45h-Repeats-Partial.xml",
        OURS,
        "the second repeat never ends; partitura repeats it, music21 refuses",
    ),
    (
        "*/45i-Repeats-Nested.xml",
        OURS,
        "a repeat within the second ending, the file says; music21 takes it once, partitura fails",
    ),
    (
        "*/45k-Repeats-Chords-FiguredBass.xml",
        WITH_PARTITURA,
        "music21 loses a note behind the second ending",
    ),
    (
        "*/46j-EmptyMeasure.xml",
        WITH_PARTITURA,
        "an empty bar has no length, the file says; music21 gives it a whole bar",
    ),
    (
        "partitura/test_chord_duration.musicxml",
        EITHER,
        "notes of a chord with durations of their own; others give all the first one's",
    ),
    (
        "partitura/test_multi_part.xml",
        OURS,
        "a first ending with a repeat and no second: played twice, the second time without it",
    ),
    (
        "partitura/test_note_ties*.xml",
        WITH_PARTITURA,
        "a tie over notes of another voice; music21 breaks it",
    ),
    (
        "partitura/test_part_group.xml",
        OURS,
        "34 cue notes, which are for the eye (MusicXML); the others play them",
    ),
    (
        "partitura/test_rest.musicxml",
        EITHER,
        "after a da capo we take no repeat again, partitura all; music21 leaves the endings out",
    ),
    (
        "partitura/test_ts_map_ts_starts_not_at_zero.xml",
        EITHER,
        "a first bar of 5 quarters in one part and of 2.5 in the other; all bars are aligned by us",
    ),
    (
        "partitura/test_unfold_complex.xml",
        EITHER,
        "after a da capo we take no repeat again, partitura all; music21 leaves the endings out",
    ),
    (
        "partitura/test_unfold_dacapo.xml",
        EITHER,
        "after a da capo we and music21 take no repeat again, partitura all",
    ),
    (
        "partitura/mozart_k265_6.mxl",
        WITH_PARTITURA,
        "a voice moves to the lower staff in bar 9; music21 has its next notes a bar early",
    ),
)
"""Pattern of folder and file, who is right, and why."""


def verdict_of(folder: str, file: str) -> Verdict | None:
    """The verdict on a file, if it was looked at.

    Args:
        folder: name of the folder that it was found in.
        file: its name.
    """
    for pattern, right, reason in _VERDICTS:
        if fnmatch(f"{folder}/{file}", pattern):
            return Verdict(right, reason)
    return None
