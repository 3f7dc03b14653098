"""The transcriber Transkun 2.0.1 (Yan and Duan 2024, ISMIR, arXiv:2404.09466; MIT licence).

It hears notes with velocities, and both pedals. The package brings its checkpoint of 13.6 million
parameters. Of its requirements only those that musclehand has as well are needed to hear: filters
of the spectrum are part of the checkpoint, and decoding files is left to `watch.sound`. Thus
`torchaudio`, which is linked to CUDA in its usual wheel, is never imported.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import io
import json
import sys
import types
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from musclehand.core.errors import MusclehandError
from musclehand.watch.hearing import SOFT, SUSTAIN, Event, Heard

VERSION = "2.0.1"
"""Version of the package."""

NEEDED = (
    f"transcription needs transkun {VERSION}; get it with: pip install 'musclehand[transcribe]', "
    f"or without what only its training needs: pip install --no-deps transkun=={VERSION}"
)
"""What to do where the package is missing."""

CHECKPOINT_SHA256 = "50a80010effc2a59ffcd068a95cd2b29bd7f23a27a3515bc3ccd209c89a3d44c"
"""Of `pretrained/2.0.pt` in the wheel."""

SETTINGS_SHA256 = "d3d989214eb148230ee5df476d994dcde6af595904d3f968f1221d2e3bea5ac6"
"""Of `pretrained/2.0.conf` in the wheel."""

STEP = 8.0
"""[s] From one segment to the next, as the package has it. Steps of 12 s take two thirds of the
time; note F1 is then lower by 0.002 on synthesised pieces, and by 0.001 on recordings."""

SILENCE = 2 / 32768
"""Samples of a silent segment stay below this: two steps of 16 bits. The network adjusts the gain,
and would hear notes in the noise of a silent segment."""

_UNNEEDED = ("torchaudio", "mir_eval")
"""Modules that the package imports, and which hearing does not use."""


class TranskunModel:
    """Hears 16 s of sound at a time, every 8 s; a `watch.hearing.Transcriber`.

    A segment is responsible for onsets from 4 s after its beginning to 4 s before its end, so that
    every onset is heard with what precedes and follows it. The first segment begins before the
    sound.
    """

    def __init__(self) -> None:
        """Loads the network.

        Raises:
            MusclehandError: the package is missing or another version.
        """
        folder = _package()
        settings = _read(folder / "pretrained" / "2.0.conf", SETTINGS_SHA256)
        checkpoint = _read(folder / "pretrained" / "2.0.pt", CHECKPOINT_SHA256)
        import torch

        with _stand_ins(torch), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from transkun.ModelTransformer import Config, TransKun

            config = Config()
            vars(config).update(json.loads(settings)["Model"]["config"])
            self._net = TransKun(config)
        weights = torch.load(io.BytesIO(checkpoint), map_location="cpu", weights_only=True)
        self._net.load_state_dict(weights["state_dict"])
        self._net.eval()
        self._net.backbone.useGradientCheckpoint = False
        self.rate: int = config.fs
        self._hop: int = config.hopSize
        self.length = round(config.segmentSizeInSecond * self.rate)
        self.step = round(STEP * self.rate / self._hop) * self._hop
        self.name = f"transkun {VERSION}, {self.length}/{self.step} samples"

    def hear(
        self, samples: np.ndarray, begin: float, resume: Sequence[int]
    ) -> tuple[Heard, list[int]]:
        """Hears one segment (`watch.hearing.Transcriber.hear`)."""
        lines = len(self._net.targetMIDIPitch)
        if float(np.abs(samples).max(initial=0.0)) <= SILENCE:
            return Heard(begin, ()), [0] * lines
        # The first segment begins with silence before the sound.
        first = int(-begin * self.rate / self._hop) if begin < 0 else 0
        events, ends = self._decode(samples, list(resume) or [first] * lines)
        stride = self.step // self._hop
        heard = Heard(begin, tuple(_event(event, begin) for event in events))
        return heard, [max(end - stride, 0) for end in ends]

    def _decode(self, samples: np.ndarray, resume: list[int]) -> tuple[list[Any], list[int]]:
        """The package's events, and the frame in which the last complete one of each line ends."""
        import torch
        from transkun.Util import makeFrame

        with torch.inference_mode():
            sound = torch.from_numpy(np.ascontiguousarray(samples.T))
            frames = makeFrame(sound, self._hop, self._net.windowSize)
            margin = (self.length - self.step) // 2
            events, ends = self._net.transcribeFrames(
                frames.unsqueeze(0),
                forcedStartPos=resume,
                velocityCriteron="hamming",
                onsetBound=(self.length - margin) // self._hop,
                lastFrameIdx=round(self.length / self._hop),
            )
        return events[0], ends


def _event(event: Any, begin: float) -> Event:
    """An event of the package, in the time of the sound, rounded to 0.01 ms."""
    assert event.pitch in (SUSTAIN, SOFT) or event.pitch > 0
    return Event(
        event.pitch,
        round(begin + event.start, 5),
        round(begin + event.end, 5),
        int(event.velocity),
        bool(event.hasOnset),
        bool(event.hasOffset),
    )


def _package() -> Path:
    """Folder of the package."""
    specification = importlib.util.find_spec("transkun")
    places = None if specification is None else specification.submodule_search_locations
    if not places:
        raise MusclehandError(NEEDED)
    return Path(next(iter(places)))


def _read(path: Path, sha256: str) -> bytes:
    """A file of the package, which must be that of `VERSION`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MusclehandError(f"{NEEDED} ({path.name} is missing)") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise MusclehandError(f"{NEEDED} ({path.name} is that of another version)")
    return content


@contextmanager
def _stand_ins(torch: Any) -> Iterator[None]:
    """Modules that the package imports without need, while it is imported and built."""

    def filters(*, n_freqs: int, n_mels: int, **_: float) -> Any:
        return torch.zeros(n_freqs, n_mels)  # The checkpoint replaces them.

    before = {name: sys.modules.get(name) for name in _UNNEEDED}
    for name in _UNNEEDED:
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        vars(module)["functional"] = types.SimpleNamespace(melscale_fbanks=filters)
        sys.modules[name] = module
    try:
        yield
    finally:
        for name, original in before.items():
            if original is None:
                del sys.modules[name]
            else:
                sys.modules[name] = original
