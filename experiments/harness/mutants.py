"""Damaged files by the thousand: ways to damage them, workers that read them, and what came of it.

A worker process with a memory limit reads each file and is killed when it hangs.
"""

from __future__ import annotations

import json
import queue
import random
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

KILL_SECONDS = 20.0
"""[s] After which a worker counts as hanging."""

ADDRESS_SPACE = 4 << 30
"""[bytes] Memory limit of a worker."""

Way = Callable[[bytearray, random.Random], bytearray]


class Limits(NamedTuple):
    """What reading a file may take."""

    seconds: float
    """[s] longest time."""

    growth_mb: float
    """[MB] largest growth of memory."""


@dataclass
class Report:
    """Outcomes of reading."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Number of files by extension and outcome."""

    errors: Counter[str] = field(default_factory=Counter)
    """Number of files by error."""

    limits: Limits = field(default_factory=lambda: Limits(5.0, 500.0))
    """Of time and memory."""

    offending: list[str] = field(default_factory=list)
    """Files that broke a limit, in words."""

    slowest: tuple[float, int, str] = (0.0, -1, "")
    """[s] Longest time, number and extension of its file."""

    largest: tuple[float, int, str] = (0.0, -1, "")
    """[MB] Largest growth of memory, number and extension of its file."""

    def add(self, row: dict[str, object]) -> None:
        """Count one file."""
        index = int(str(row["index"]))
        suffix = str(row["suffix"])
        seconds = float(str(row["seconds"]))
        growth = float(str(row["growth_mb"]))
        self.outcomes[f"{suffix} {row['outcome']}"] += 1
        self.errors[str(row["error"])] += 1
        self.slowest = max(self.slowest, (seconds, index, suffix))
        self.largest = max(self.largest, (growth, index, suffix))
        if (
            row["outcome"] == "unhandled"
            or seconds > self.limits.seconds
            or growth > self.limits.growth_mb
        ):
            self.offending.append(
                f"{index}{suffix}: {row['error']}, {seconds:.2f} s, {growth:.0f} MB"
            )


def _flip(data: bytearray, rng: random.Random) -> bytearray:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _set_byte(data: bytearray, rng: random.Random) -> bytearray:
    data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return data


def _truncate(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data))]


def _insert(data: bytearray, rng: random.Random) -> bytearray:
    place = rng.randrange(len(data))
    length = rng.choice((1, 2, 4, 16, 5000))
    byte = rng.choice((b"\xff", b"\x80", b"\x00", bytes([rng.randrange(256)])))
    return data[:place] + byte * length + data[place:]


def _delete(data: bytearray, rng: random.Random) -> bytearray:
    place = rng.randrange(len(data))
    return data[:place] + data[place + rng.choice((1, 2, 4, 16)) :]


def _change_length(data: bytearray, rng: random.Random) -> bytearray:
    """Another value in four bytes: behind a chunk name where there is one."""
    places = [m.end() for m in re.finditer(rb"MThd|MTrk|PK..", bytes(data))] or [
        rng.randrange(len(data))
    ]
    place = rng.choice(places)
    value = rng.choice((0, 1, 5, 7, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, rng.randrange(1 << 32)))
    data[place : place + 4] = value.to_bytes(4, "big")
    return data


def _repeat_block(data: bytearray, rng: random.Random) -> bytearray:
    start = rng.randrange(len(data))
    block = data[start : start + rng.choice((4, 50, 500))]
    return data[:start] + block * rng.choice((2, 3, 50, 400)) + data[start:]


def exchange_words(data: bytearray, rng: random.Random) -> bytearray:
    """A number, tag or field replaced by something legal-looking, huge, negative, empty or
    foreign."""
    # what stands in XML elements, XML attributes and PIG fields
    values = rb"(?<=>)[^<>\s]+(?=<)|(?<=\")[^<>\"]*(?=\")|(?<=\t)[^\t\n]*"
    words = list(re.finditer(values if rng.random() < 0.7 else rb"[-\w.#]+", bytes(data)))
    if not words:
        return data
    word = rng.choice(words)
    number = str(rng.randrange(10 ** rng.randrange(1, 12))).encode()
    foreign = rng.choice(words)[0]
    new = rng.choice((*_WORDS, number, number, foreign, foreign))
    return data[: word.start()] + new + data[word.end() :]


_WORDS: tuple[bytes, ...] = (b"", b"9" * 4000, b"\xc3\xa9", b"<!-- -->", b"<a>" * 90)
_WORDS += tuple(
    b"0 -1 1e9 1e309 nan 999999999 0.0001 1_3 &x; start stop backward forward 2 99".split()
)
WAYS: tuple[Way, ...] = (
    _flip,
    _set_byte,
    _truncate,
    _insert,
    _delete,
    _change_length,
    _repeat_block,
)
"""Damage to bytes."""

WAYS_OF_TEXT: tuple[Way, ...] = (
    exchange_words,
    exchange_words,
    exchange_words,
    _repeat_block,
    _delete,
)
"""Damage to text."""


def _status_mb(name: str) -> float:
    """A line of Linux's process status [MB]; on other systems the peak so far."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = re.search(rf"{name}:\s+(\d+)", status)
    return int(line[1]) / 1024 if line else 0.0


def _reset_peak() -> None:
    """Make the kernel forget the peak resident size, where it can (proc(5), clear_refs)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def run_worker(
    mutants: Iterable[tuple[str, bytes]],
    read: Callable[[Path], object],
    error_class: type[Exception],
    *,
    start: int,
    folder: Path,
) -> None:
    """Reads damaged files and prints a line of JSON for each: the worker process.

    Args:
        mutants: damaged files, as (extension, content).
        read: reads a file.
        error_class: of the errors that reading may raise; they have `problem`.
        start: number of the first file.
        folder: for the file that is read.
    """
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for index, (suffix, data) in enumerate(mutants, start=start):
        path = folder / f"mutant{suffix}"
        path.write_bytes(data)
        _reset_peak()
        before = _status_mb("VmRSS")
        began = time.perf_counter()
        outcome = "read"
        error = "none"
        try:
            read(path)
        except error_class as refused:
            outcome = "refused"
            error = re.sub(r"'.*'|\d[\d,.e+]*", "#", str(getattr(refused, "problem", refused)))[:70]
            if "\n" in str(refused):
                outcome = "unhandled"
                error = f"message of several lines: {refused}"
        except Exception as escaped:  # what escapes is what is looked for
            outcome = "unhandled"
            error = f"{type(escaped).__name__}: {escaped}"[:200]
        row = {
            "index": index,
            "suffix": suffix,
            "outcome": outcome,
            "error": error,
            "seconds": time.perf_counter() - began,
        }
        print(json.dumps({**row, "growth_mb": _status_mb("VmHWM") - before}), flush=True)


def watch_workers(
    script: str,
    mutant: Callable[[int], tuple[str, bytes]],
    limits: Limits,
    *,
    count: int,
    seed: int,
    out: Path,
    progress: bool,
) -> Report:
    """Has workers read all mutants, and keeps the offending ones.

    Args:
        script: that starts a worker with `--worker START STOP SEED FOLDER`.
        mutant: gives a damaged file by its number.
        limits: of time and memory.
        count: number of files.
        seed: of the damage.
        out: folder of offending files.
        progress: whether a bar is shown.
    """
    from rich.progress import track

    report = Report(limits=limits)
    lines = _rows(script, count, seed)
    for row in track(lines, total=count, description="mutants", disable=not progress):
        already = len(report.offending)
        report.add(row)
        if len(report.offending) > already:
            out.mkdir(parents=True, exist_ok=True)
            suffix, data = mutant(int(str(row["index"])))
            (out / f"seed{seed}_{row['index']}{suffix}").write_bytes(data)
    return report


def _rows(script: str, count: int, seed: int) -> Iterator[dict[str, object]]:
    """One row for each mutant; a worker that hangs or dies is a row too, and another takes its
    place."""
    index = 0
    with tempfile.TemporaryDirectory() as folder:
        while index < count:
            command = [sys.executable, script, "--worker", *map(str, (index, count, seed)), folder]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
                lines: queue.Queue[str] = queue.Queue()
                threading.Thread(target=_forward, args=(worker, lines), daemon=True).start()
                wait = KILL_SECONDS + 20  # the first one includes the start of the worker
                while index < count:
                    try:
                        line = lines.get(timeout=wait)
                    except queue.Empty:
                        line = ""
                    if not line:
                        worker.kill()
                        row = {
                            "index": index,
                            "suffix": "?",
                            "outcome": "unhandled",
                            "error": "hung or died",
                        }
                        yield {**row, "seconds": KILL_SECONDS, "growth_mb": 0.0}
                        index += 1
                        break
                    yield json.loads(line)
                    index += 1
                    wait = KILL_SECONDS


def _forward(worker: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    """Lines of the worker into the queue, then an empty one."""
    for line in worker.stdout or ():
        lines.put(line)
    lines.put("")


def print_report(report: Report, count: int, seconds: float) -> int:
    """Prints the tables and returns the exit code.

    Args:
        report: of all files.
        count: number of files.
        seconds: [s] that reading took.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for title, counts in (("outcome", report.outcomes), ("error", report.errors)):
        table = Table(title, "files")
        for name, number in counts.most_common(40):
            table.add_row(name, str(number))
        console.print(table)
    console.print(f"{count} files in {seconds:.0f} s")
    for heading, (value, index, suffix) in (
        ("slowest, s", report.slowest),
        ("largest growth, MB", report.largest),
    ):
        console.print(f"{heading}: {value:.3f} (mutant {index}{suffix})")
    console.print(f"offending: {len(report.offending)}", *report.offending[:20], sep="\n")
    return 1 if report.offending else 0
