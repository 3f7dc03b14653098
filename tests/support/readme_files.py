"""The files that the README's Python block works on, small ones."""

import re
import shutil
from pathlib import Path

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.export import export_model
from musclehand.body.build.hand import hand_spec
from musclehand.corpus.generate import generate_corpus
from musclehand.corpus.plan import CorpusPlan
from musclehand.emg.io.reading import read_emg
from musclehand.music.formats.midi import write_midi
from musclehand.music.repertoire import load_piece
from support.paths import ROOT

SECONDS = 6.0
EMG = ROOT / "data" / "emg"


def make_files(folder: Path) -> None:
    """Writes song.mid, hand.xml, my_hand.xml, trial.c3d, map.csv and corpus/."""
    write_midi(load_piece("ode_to_joy").clip(0.0, SECONDS), folder / "song.mid")
    export_model(folder / "hand.xml", hand_spec(Side.RIGHT), title="hand")
    text = (folder / "hand.xml").read_text(encoding="utf-8")
    stronger = re.sub(r'(<muscle name="FDP2_r".* force=")[^"]+', r"\g<1>114.3", text)
    (folder / "my_hand.xml").write_text(stronger, encoding="utf-8")
    write_trial(folder / "trial.c3d")
    shutil.copy(EMG / "muscle_map.csv", folder / "map.csv")
    generate_corpus(folder / "corpus", CorpusPlan(hours=0.01, seed=2))


def write_trial(path: Path) -> None:
    """The beginning of the synthetic EMG as a C3D file."""
    import ezc3d

    emg = read_emg(EMG / "synthetic_playing.h5")
    count = int(SECONDS * emg.fs_hz)
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [emg.fs_hz]
    file["parameters"]["ANALOG"]["RATE"]["value"] = [emg.fs_hz]
    file["parameters"]["ANALOG"]["LABELS"]["value"] = emg.names
    file["parameters"]["ANALOG"]["UNITS"]["value"] = ("V",) * len(emg.names)
    file["data"]["points"] = np.zeros((4, 0, count))
    file["data"]["analogs"] = emg.samples[:count].T[None]
    file.write(str(path))
