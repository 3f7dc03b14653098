"""Makes the synthetic EMG in data/emg: hands play a piece, and a forward model says what electrodes would record.

    python experiments/make_emg_data.py
    python experiments/make_emg_data.py --performance performances/ode_to_joy_muscle --out somewhere

Writes synthetic_playing.h5 (the EMG), synthetic_playing.sto (the activations that it came from) and truth.json (gains,
lead, seed, which channel is which), and brings the table with checksums in README.md up to date. The same performance
and seed give the same files.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tyro

from musclehand.cli import main as musclehand
from musclehand.core.errors import MusclehandError
from musclehand.emg.forward import Electrode, ForwardConfig, Source, simulate_emg
from musclehand.emg.opensim_file import StorageFile, write_storage
from musclehand.emg.recording import Event, TimeSeries
from musclehand.emg.simulated import SimulatedMuscles, read_simulated
from musclehand.emg.store import save_recording

PIECE, CLIP = "ode_to_joy", ("0", "22")
SECONDS = 20.0
EMG, ACTIVATIONS, TRUTH = "synthetic_playing.h5", "synthetic_playing.sto", "truth.json"
MARK = "<!-- files -->"

SITES = {"FCR": 20.0, "PL": 55.0, "FDS": 85.0, "FCU": 140.0, "ECU": 215.0, "EDC": 265.0, "ECR": 315.0, "APL": 290.0}
"""Where electrodes are round the forearm [deg], volar side at 90, radial side at 0; a layout made up for this file."""

LAYOUT = {
    **{
        "PT": (350, 8),
        "FCR": (20, 8),
        "PL": (55, 7),
        "FCU": (140, 8),
        "ECU": (215, 8),
        "APL": (290, 12),
        "EPB": (292, 14),
    },
    **{"ECRL": (322, 7), "ECRB": (308, 9), "EPL": (250, 18), "EIP": (240, 20), "EDM": (238, 8), "FPL": (60, 24)},
    **{f"FDS{finger}": (70 + 10 * (finger - 2), 12) for finger in (2, 3, 4, 5)},
    **{f"FDP{finger}": (85 + 12 * (finger - 2), 24) for finger in (2, 3, 4, 5)},
    **{f"EDC{finger}": (280 - 9 * (finger - 2), 8) for finger in (2, 3, 4, 5)},
}
"""Angle [deg] and depth [mm] of muscles: the order that they lie in, depths in round numbers; no measured forearm."""


@dataclass(frozen=True)
class Args:
    """Make the synthetic EMG of data/emg."""

    performance: Path | None = None
    """Folder of a performance of 20 s or more; by default one is played."""

    out: Path = Path(__file__).parent.parent / "data" / "emg"
    seed: int = 0


def sources_of(muscles: tuple[str, ...]) -> tuple[Source, ...]:
    """Those of the layout that a model has."""
    return tuple(
        Source(name, np.radians(angle), 1e-3 * depth) for name, (angle, depth) in LAYOUT.items() if name in muscles
    )


def make(simulated: SimulatedMuscles, out: Path, seed: int) -> None:
    """The three files, from the activations of a right hand."""
    first = int(np.searchsorted(simulated.start + np.arange(len(simulated.values)) / simulated.fs_hz, 0.0))
    count = round(SECONDS * simulated.fs_hz)
    if first + count > len(simulated.values):
        raise MusclehandError(f"the performance is shorter than {SECONDS:g} s")
    sources = sources_of(simulated.muscles)
    columns = [simulated.muscles.index(source.name) for source in sources]
    # What is kept of the activations is what the EMG is made of, to the last digit printed.
    values = np.round(simulated.values[first : first + count, columns], 4)
    electrodes = [Electrode(name, np.radians(angle), name) for name, angle in SITES.items()]
    events = [Event(round(e.onset, 4), round(e.duration, 4), e.label) for e in simulated.events if e.offset <= SECONDS]
    config = ForwardConfig()
    made = simulate_emg(
        values, simulated.fs_hz, sources, electrodes, np.random.default_rng(seed), config=config, events=events
    )
    out.mkdir(parents=True, exist_ok=True)
    # A converter of 16 bits loses nothing in numbers of 4 bytes, and the file is half as large.
    save_recording(out / EMG, made.recording.with_samples(made.recording.samples.astype(np.float32), config.fs_hz))
    names = tuple(f"/forceset/{source.name}/activation" for source in sources)
    write_storage(out / ACTIVATIONS, StorageFile(TimeSeries(np.arange(count) / simulated.fs_hz, values, names)))
    truth = {
        "piece": PIECE,
        "seed": seed,
        "lead_s": made.lead_s,
        "forward": asdict(config),
        "sites_deg": SITES,
        "muscles": made.muscles,
        "gain_v": {
            site.name: [float(f"{gain:.4g}") for gain in row] for site, row in zip(electrodes, made.mixing, strict=True)
        },
    }
    (out / TRUTH).write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


def file_table(folder: Path) -> str:
    """The table of the README: file, size, SHA-256."""
    rows = [
        f"| {name} | {(folder / name).stat().st_size // 1000} kB | `{checksum(folder / name)}` |"
        for name in (EMG, ACTIVATIONS, TRUTH)
    ]
    return "\n".join(["| file | size | SHA-256 |", "|---|---|---|", *rows])


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def update_readme(path: Path, table: str) -> None:
    """Puts the table between the marks."""
    before, _, after = path.read_text(encoding="utf-8").split(MARK)
    path.write_text(f"{before}{MARK}\n{table}\n{MARK}{after}", encoding="utf-8")


def main(args: Args) -> None:
    """Plays, if need be, and writes."""
    if args.performance is not None:
        make(read_simulated(args.performance), args.out, args.seed)
    else:
        with tempfile.TemporaryDirectory() as folder:
            if musclehand(["play", PIECE, "--clip", *CLIP, "--out", f"{folder}/played"]):
                raise SystemExit(2)
            make(read_simulated(f"{folder}/played"), args.out, args.seed)
    readme = args.out / "README.md"
    if readme.is_file():
        update_readme(readme, file_table(args.out))
    print(file_table(args.out))


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
