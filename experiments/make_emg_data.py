"""Synthetic EMG of data/emg: hands play a piece, and a forward model gives the electrodes' signals.

    python experiments/make_emg_data.py
    python experiments/make_emg_data.py --performance performances/ode_to_joy_muscle --out somewhere

Writes synthetic_playing.h5 (the EMG), synthetic_playing.sto (the activations behind it) and
truth.json (gains, lead, seed, names of the channels), and updates the table of checksums in
README.md. The same performance and seed give the same files.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from harness.results_page import markdown_table, replace_marked
from harness.script import run_script
from musclehand.cli import main as musclehand
from musclehand.core.atomic import write_file
from musclehand.core.errors import MusclehandError
from musclehand.emg.io.opensim_file import StorageFile, write_storage
from musclehand.emg.io.simulated import SimulatedMuscles, read_simulated
from musclehand.emg.io.store import save_recording
from musclehand.emg.model.forearm import SITES, forearm_sources, site_electrodes
from musclehand.emg.model.forward import ForwardConfig, simulate_emg
from musclehand.emg.recording import Event, TimeSeries

PIECE = "ode_to_joy"

CLIP = ("0", "22")
"""[s] Part of the piece that is played, as words of the command line."""

SECONDS = 20.0
"""[s] Length of the recording."""

EMG = "synthetic_playing.h5"
ACTIVATIONS = "synthetic_playing.sto"
TRUTH = "truth.json"
"""Names of the files."""

MARK = "files"
"""Name of the marks around the table in README.md."""


@dataclass(frozen=True)
class Args:
    """Make the synthetic EMG of data/emg."""

    performance: Path | None = None
    """Folder of a performance of 20 s or more; by default one is played."""

    out: Path = Path(__file__).parent.parent / "data" / "emg"
    """Folder of the files."""

    seed: int = 0
    """Of the forward model."""


def make(simulated: SimulatedMuscles, out: Path, seed: int) -> None:
    """Writes the three files.

    Args:
        simulated: activations of a right hand.
        out: folder of the files.
        seed: of the forward model.

    Raises:
        MusclehandError: the performance is too short.
    """
    first = int(
        np.searchsorted(simulated.start + np.arange(len(simulated.values)) / simulated.fs_hz, 0.0)
    )
    count = round(SECONDS * simulated.fs_hz)
    if first + count > len(simulated.values):
        raise MusclehandError(f"the performance is shorter than {SECONDS:g} s")
    sources = forearm_sources(simulated.muscles)
    columns = [simulated.muscles.index(source.name) for source in sources]
    # The EMG is made from the activations as they are kept, to the last printed digit.
    values = np.round(simulated.values[first : first + count, columns], 4)
    electrodes = site_electrodes()
    events = [
        Event(round(e.onset, 4), round(e.duration, 4), e.label)
        for e in simulated.events
        if e.offset <= SECONDS
    ]
    config = ForwardConfig()
    synthetic = simulate_emg(
        values,
        simulated.fs_hz,
        sources,
        electrodes,
        np.random.default_rng(seed),
        config=config,
        events=events,
    )
    out.mkdir(parents=True, exist_ok=True)
    # A converter of 16 bits loses nothing in numbers of 4 bytes, and the file is half as large.
    save_recording(
        out / EMG,
        synthetic.recording.with_samples(
            synthetic.recording.samples.astype(np.float32), config.fs_hz
        ),
    )
    names = tuple(f"/forceset/{source.name}/activation" for source in sources)
    write_storage(
        out / ACTIVATIONS,
        StorageFile(TimeSeries(np.arange(count) / simulated.fs_hz, values, names)),
    )
    truth = {
        "piece": PIECE,
        "seed": seed,
        "lead_s": synthetic.lead_s,
        "forward": asdict(config),
        "sites_deg": dict(SITES),
        "muscles": synthetic.muscles,
        "gain_v": {
            site.name: [float(f"{gain:.4g}") for gain in row]
            for site, row in zip(electrodes, synthetic.mixing, strict=True)
        },
    }
    write_file(out / TRUTH, json.dumps(truth, indent=1) + "\n")


def file_table(folder: Path) -> str:
    """The table of README.md: file, size, SHA-256."""
    rows = [
        [name, f"{(folder / name).stat().st_size // 1000} kB", f"`{checksum(folder / name)}`"]
        for name in (EMG, ACTIVATIONS, TRUTH)
    ]
    return markdown_table(["file", "size", "SHA-256"], rows)


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(args: Args) -> None:
    """Plays the piece unless there is a performance, and writes the files."""
    if args.performance is not None:
        make(read_simulated(args.performance), args.out, args.seed)
    else:
        with tempfile.TemporaryDirectory() as folder:
            if musclehand(["play", PIECE, "--clip", *CLIP, "--out", f"{folder}/played"]):
                raise SystemExit(2)
            make(read_simulated(f"{folder}/played"), args.out, args.seed)
    readme = args.out / "README.md"
    if readme.is_file():
        replace_marked(readme, MARK, file_table(args.out))
    print(file_table(args.out))


if __name__ == "__main__":
    run_script(main, Args, __doc__)
