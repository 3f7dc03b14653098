"""Fills the numbers of README.md in from the results pages and from the code.

    python docs/fill_readme.py            writes README.md
    python docs/fill_readme.py --check    exit code 1 where a number differs

`<!-- result: NAME -->0.995<!-- /result -->` is a cell of a results page, by a short name of
`docs/headlines.json`; `<!-- count: NAME -->29<!-- /count -->` is counted in the library.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
README = DOCS.parent / "README.md"
sys.path.insert(0, str(DOCS / "_ext"))

from results_pages import read_result  # noqa: E402

_MARK = re.compile(r"(<!-- (result|count): ([^>]+) -->)(.*?)(<!-- /\2 -->)", flags=re.DOTALL)


def fill(text: str) -> str:
    """The text with every marked number as it is measured or counted now."""

    def value(mark: re.Match[str]) -> str:
        opening, kind, name, _, closing = mark.groups()
        return f"{opening}{read_result(name) if kind == 'result' else count(name)}{closing}"

    return _MARK.sub(value, text)


def count(name: str) -> int:
    """How many of something the library has.

    Raises:
        KeyError: nothing is counted under that name.
    """
    from musclehand.body.anatomy import HAND_JOINTS
    from musclehand.body.build.tables import load_tables
    from musclehand.emg.io.reading import FORMATS
    from musclehand.music.repertoire import list_pieces
    from musclehand.validation.suite import CHECKS

    counted = {
        "joints": HAND_JOINTS,
        "muscles": load_tables().muscles,
        "checks": CHECKS,
        "pieces": list_pieces(),
        "emg_formats": FORMATS,
    }
    return len(counted[name])


def main(arguments: list[str]) -> int:
    """Writes or checks the README; 1 where a checked number differs."""
    before = README.read_text(encoding="utf-8")
    after = fill(before)
    if "--check" in arguments:
        for old, new in zip(_MARK.finditer(before), _MARK.finditer(after), strict=True):
            if old.group(4) != new.group(4):
                print(f"README.md: {old.group(3)} is {old.group(4)} in place of {new.group(4)}")
        return int(before != after)
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
