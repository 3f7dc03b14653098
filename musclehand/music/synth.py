"""A piano made of numbers: a score becomes stereo sound without any sample library.

Every note is a sum of decaying partials. Each partial is a stiff string's (f_n = n f_1 sqrt((1 + B
n^2) / (1 + B)), so the first partial is in tune), excited by a hammer at an eighth of the string
that is brighter the harder it strikes, and rings as a loud prompt sound and a quieter, longer
aftersound whose strings are a little out of tune with each other (Weinreich 1977, "Coupled piano
strings", JASA 62: 1474). Added are the knock of the hammer and the key, the damper, the sustain
pedal, the player's stereo image and a small room. Tuning is equal temperament, A4 = 440 Hz, not
stretched.

The inharmonicity B follows Rigaud, David and Daudet 2013 ("A parametric model and estimation
techniques for the inharmonicity and tuning of the piano", JASA 133: 3107); decay times, brightness
and levels are chosen by ear and order of magnitude. Loudness is absolute: a soft piece stays soft,
and only what would clip is turned down.
"""

from __future__ import annotations

import math
import os
import tempfile
import wave
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue, OutputError
from musclehand.music.score import Note, Score

TAIL = 2.0  # [s] of ringing after the last key is let go
MAX_SECONDS = 3600.0  # [s]; an hour of stereo is 1.3 GB
PEAK = 10 ** (-1.5 / 20)  # -1.5 dBFS
LAST_DAMPED_PITCH = 89  # F6; the strings above have no dampers on most pianos
VELOCITY_BIN = 8  # notes of a pitch whose velocities differ by less share one tone, scaled

_BLOCK = 1024  # samples a tone is computed at a time
_QUIETEST = 10 ** (
    -65 / 20
)  # partials below this, relative to full scale of the note, are left out
_ROOM_SECONDS = 0.7


class _Stroke(NamedTuple):
    """A note as the strings see it: `damped` is when the damper falls, by the key or by the
    pedal [s]."""

    onset: float
    damped: float
    velocity: int


class _Partials(NamedTuple):
    """Decaying sinusoids: level and phase [rad] at the start, frequency [Hz], decay [1/s]. Shape
    (num_partials,)."""

    level: np.ndarray
    phase: np.ndarray
    frequency: np.ndarray
    decay: np.ndarray


def synthesise(
    score: Score, *, sample_rate: int = 44100, soundfont: str | PathLike[str] | None = None
) -> np.ndarray:
    """The sound of a score, from time 0 to `TAIL` after its last note.

    Args:
        score: notes and sustain pedal.
        sample_rate: [Hz], 8000 to 192000.
        soundfont: play through this SoundFont with FluidSynth instead.

    Returns:
        Left and right, within -1 dBFS. Shape (num_samples, 2), float32, column-major.

    Raises:
        InvalidValue: an impossible sample rate, or a score of over an hour.
        OutputError: the SoundFont or what is needed to play it is missing.
    """
    if not 8000 <= sample_rate <= 192_000:
        raise InvalidValue("sample rate", sample_rate, "8000..192000 Hz")
    if score.duration > MAX_SECONDS:
        raise InvalidValue(
            "score duration", score.duration, f"at most {MAX_SECONDS:.0f} s to be synthesised"
        )
    num_samples = math.ceil((score.duration + TAIL) * sample_rate)
    if soundfont is not None:
        sound = _play_soundfont(score, num_samples, sample_rate, Path(soundfont))
    else:
        sound = np.zeros((2, num_samples), dtype=np.float32)
        for (pitch, velocity_bin), strokes in _strokes(score).items():
            _mix_strokes(sound, pitch, (velocity_bin + 0.5) * VELOCITY_BIN, strokes, sample_rate)
        _add_room(sound, sample_rate)
    fade = min(num_samples, round(0.1 * sample_rate))
    sound[:, num_samples - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    peak = max(float(sound.max(initial=0.0)), -float(sound.min(initial=0.0)))
    if peak > PEAK:
        sound *= np.float32(PEAK / peak)
    return sound.T


def write_wav(path: str | PathLike[str], samples: np.ndarray, sample_rate: int) -> None:
    """Write 16-bit PCM; the file appears complete or not at all. Values beyond +-1 are clipped.

    Args:
        path: the file to write.
        samples: shape (num_samples,) or (num_samples, num_channels).
        sample_rate: [Hz].

    Raises:
        InvalidValue: samples of another shape, or not finite.
        OutputError: the file cannot be written.
    """
    channels = samples[:, None] if samples.ndim == 1 else samples
    if channels.ndim != 2 or not 1 <= channels.shape[1] <= 16:
        raise InvalidValue(
            "shape of samples", samples.shape, "(num_samples,) or (num_samples, num_channels)"
        )
    path = Path(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part"
        )
        with os.fdopen(handle, "wb") as raw, wave.open(raw, "wb") as out:
            out.setnchannels(channels.shape[1])
            out.setsampwidth(2)
            out.setframerate(sample_rate)
            for start in range(0, len(channels), 1 << 18):
                part = np.asarray(channels[start : start + (1 << 18)], dtype=float)
                if not np.isfinite(part).all():
                    raise InvalidValue("samples", "nan or infinity", "finite numbers")
                out.writeframesraw(np.rint(np.clip(part, -1, 1) * 32767).astype("<i2").tobytes())
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _strokes(score: Score) -> dict[tuple[int, int], list[_Stroke]]:
    """Strokes by (pitch, velocity bin), with the time at which the pedal lets each note be
    damped."""
    starts = np.array([pedal.start for pedal in score.pedals])
    ends = (
        np.maximum.accumulate([pedal.end for pedal in score.pedals])
        if score.pedals
        else np.zeros(0)
    )
    next_onset: dict[int, float] = {}
    groups: dict[tuple[int, int], list[_Stroke]] = {}
    for note in reversed(score.notes):
        damped = note.offset
        while (held := int(np.searchsorted(starts, damped, side="right")) - 1) >= 0 and ends[
            held
        ] > damped:
            damped = float(ends[held])
        damped = max(min(damped, next_onset.get(note.pitch, math.inf)), note.onset)
        next_onset[note.pitch] = note.onset
        groups.setdefault((note.pitch, note.velocity // VELOCITY_BIN), []).append(
            _Stroke(note.onset, damped, note.velocity)
        )
    return groups


def _mix_strokes(
    sound: np.ndarray, pitch: int, tone_velocity: float, strokes: list[_Stroke], sample_rate: int
) -> None:
    """Add all strokes of one pitch and about one velocity to `sound` (in place)."""
    fall = _damper_time(pitch)
    partials = _partials(pitch, tone_velocity, sample_rate)
    ring = float(
        np.max(np.log(np.maximum(partials.level / _QUIETEST, 1)) / partials.decay, initial=0.0)
    )
    if fall is not None:
        ring = min(ring, max(stroke.damped - stroke.onset for stroke in strokes) + 9 * fall)
    tone = _tone(pitch, tone_velocity, partials, max(math.ceil(ring * sample_rate), 1), sample_rate)
    # Low notes come a little from the left, as the player hears them; equal power at all places.
    angle = math.pi / 4 + 0.5 * (pitch - 64.5) / 43.5 * math.pi / 4
    for stroke in strokes:
        start = round(stroke.onset * sample_rate)
        count = min(len(tone), sound.shape[1] - start)
        if fall is not None:
            count = min(count, math.ceil((stroke.damped - stroke.onset + 9 * fall) * sample_rate))
        if count <= 0:
            continue
        part = tone[:count] * np.float32(_loudness(stroke.velocity) / _loudness(tone_velocity))
        if fall is not None:
            held = min(count, round((stroke.damped - stroke.onset) * sample_rate))
            part[held:] *= np.exp(
                -np.arange(count - held, dtype=np.float32) / np.float32(fall * sample_rate)
            )
        sound[0, start : start + count] += part * np.float32(math.cos(angle))
        sound[1, start : start + count] += part * np.float32(math.sin(angle))


def _loudness(velocity: float) -> float:
    """Peak level of a note: 20 dB between velocities 30 and 127."""
    return 0.25 * (velocity / 127) ** 1.6


def _damper_time(pitch: int) -> float | None:
    """Time constant of the damper [s]; None where a string has none."""
    return None if pitch > LAST_DAMPED_PITCH else 0.035 + 0.06 * (LAST_DAMPED_PITCH - pitch) / 68


def _partials(pitch: int, velocity: float, sample_rate: int) -> _Partials:
    """All partials of a note that are worth computing."""
    fundamental = 440.0 * 2 ** ((pitch - 69) / 12)
    stiffness = math.exp(0.0926 * pitch - 13.64) + math.exp(-0.0847 * pitch - 5.82)
    n = np.arange(1, 81)
    frequency = n * fundamental * np.sqrt((1 + stiffness * n**2) / (1 + stiffness))
    # A harder stroke keeps the felt on the string for a shorter time: more of the high partials.
    brightness = (500 + 2.2 * fundamental) * (velocity / 64) ** 0.9
    hammer = (
        np.abs(np.sin(n * np.pi / 8)) / n**0.6 * np.exp(-(frequency - fundamental) / brightness)
    )
    soundboard = frequency**2 / (frequency**2 + 70.0**2)
    level = hammer * soundboard
    level *= _loudness(velocity) / np.sqrt(np.sum(level**2))
    # Decay to -60 dB: 13 s in the deep bass, 3.5 s at middle C, half a second at the top; faster
    # for high partials.
    prompt = 6.9 / (3.5 * 2 ** ((60 - pitch) / 18)) * (1 + 0.12 * (n - 1)) + 6e-7 * frequency**2
    spread = 2 ** ((0.2 if pitch < 48 else 0.45) / 1200)
    parts = [(0.78, 1.0, 1.0), (0.24, spread, 0.27), (0.16, 1 / spread, 0.27)]
    levels = np.concatenate([share * level for share, _, _ in parts])
    frequencies = np.concatenate([detune * frequency for _, detune, _ in parts])
    decays = np.concatenate([rate * prompt for _, _, rate in parts])
    # The soundboard scatters the phases; in step they would add up to one buzzing pulse a period.
    phases = np.tile(2 * np.pi * 0.618 * n**2, len(parts))
    kept = (levels > _QUIETEST * 0.25) & (frequencies < 0.45 * sample_rate)
    kept[0] = True
    return _Partials(levels[kept], phases[kept], frequencies[kept], decays[kept])


def _tone(
    pitch: int, velocity: float, partials: _Partials, num_samples: int, sample_rate: int
) -> np.ndarray:
    """An undamped note. Shape (num_samples,), float32.

    exp(s t) at sample k of block b is exp(s b) exp(s k): all samples of all blocks are one product
    of two small matrices. Partials that have died away are left out of later blocks.
    """
    exponent = (-partials.decay + 2j * np.pi * partials.frequency) / sample_rate
    # The same trick within a block: 32 x 32 products instead of 1024 exponentials.
    coarse = np.exp(exponent[:, None] * np.arange(0, _BLOCK, 32)).astype(np.complex64)
    fine = np.exp(exponent[:, None] * np.arange(32)).astype(np.complex64)
    within = (coarse[:, :, None] * fine[:, None, :]).reshape(-1, _BLOCK)
    tone = np.empty((math.ceil(num_samples / _BLOCK), _BLOCK), dtype=np.float32)
    batch = 24
    for first in range(0, len(tone), batch):
        blocks = np.arange(first, min(first + batch, len(tone)))
        alive = (
            partials.level * np.exp(-partials.decay * first * _BLOCK / sample_rate)
            > _QUIETEST * 0.03
        )
        begin = partials.level[alive] * np.exp(
            exponent[alive] * (blocks[:, None] * _BLOCK) + 1j * partials.phase[alive]
        )
        left = np.concatenate([begin.real, begin.imag], axis=1).astype(np.float32)
        right = np.concatenate([within.imag[alive], within.real[alive]])
        tone[blocks] = left @ right
    flat = tone.ravel()[:num_samples]
    rise = min(num_samples, max(2, round((0.0025 - 0.0015 * (pitch - 21) / 87) * sample_rate)))
    flat[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise, dtype=np.float32)) ** 2
    knock = _knock(pitch, velocity, sample_rate)[:num_samples]
    flat[: len(knock)] += knock
    end = min(num_samples, round(0.03 * sample_rate))
    flat[num_samples - end :] *= np.linspace(
        1, 0, end, dtype=np.float32
    )  # what is left at -65 dB, without a click
    return flat


def _knock(pitch: int, velocity: float, sample_rate: int) -> np.ndarray:
    """The noise of hammer and key: a breath of high noise and three short low resonances.
    Float32."""
    rng = np.random.default_rng(pitch)
    time = np.arange(round(0.12 * sample_rate)) / sample_rate
    noise = np.convolve(rng.standard_normal(len(time) + 7), np.ones(8) / 8, mode="valid") * np.exp(
        -time / 0.006
    )
    modes = np.array([[95.0, 0.030], [180.0, 0.022], [330.0, 0.014]])
    thump = sum(np.sin(2 * np.pi * hertz * time) * np.exp(-time / tau) for hertz, tau in modes)
    share = 0.02 + 0.03 * (pitch - 21) / 87
    return (_loudness(velocity) * share * (3.0 * noise + thump)).astype(np.float32)


def _add_room(sound: np.ndarray, sample_rate: int) -> None:
    """Add a small room's reverberation to both channels (in place), block by block."""
    length = round(_ROOM_SECONDS * sample_rate)
    size = 1 << math.ceil(math.log2(3 * length))
    step = size - length + 1
    time = np.arange(length) / sample_rate
    envelope = np.exp(-6.9 * time / _ROOM_SECONDS) * np.clip((time - 0.006) / 0.01, 0, 1)
    for channel, seed in zip(sound, (1, 2), strict=True):
        noise = np.random.default_rng(seed).standard_normal(length + 5)
        response = np.convolve(noise, np.ones(6) / 6, mode="valid") * envelope
        spectrum = np.fft.rfft(0.16 * response / np.sqrt(np.sum(response**2)), size)
        carry = np.zeros(length - 1)
        for start in range(0, len(channel), step):
            block = channel[start : start + step]
            wet = np.fft.irfft(np.fft.rfft(block, size) * spectrum, size)
            wet[: length - 1] += carry
            carry = wet[len(block) : len(block) + length - 1].copy()
            block += wet[: len(block)].astype(np.float32)


def _play_soundfont(
    score: Score, num_samples: int, sample_rate: int, soundfont: Path
) -> np.ndarray:
    """The score through FluidSynth. Shape (2, num_samples), float32."""
    if not soundfont.is_file():
        raise OutputError(soundfont, "there is no such SoundFont file")
    try:
        import fluidsynth
    except (ImportError, OSError) as error:
        needed = "a SoundFont needs the FluidSynth library and `pip install pyfluidsynth`"
        raise OutputError(soundfont, f"{needed} ({error})") from error
    synth = fluidsynth.Synth(samplerate=float(sample_rate))
    try:
        bank = synth.sfload(str(soundfont))
        if bank < 0:
            raise OutputError(soundfont, "FluidSynth cannot read this SoundFont")
        synth.program_select(0, bank, 0, 0)
        sound = np.zeros((2, num_samples), dtype=np.float32)
        now = 0
        for at, _, send, arguments in [
            *_midi_events(score, sample_rate),
            (num_samples, 9, None, ()),
        ]:
            if at > now:
                rendered = np.asarray(synth.get_samples(at - now), dtype=np.float32) / 32768
                sound[:, now:at] = rendered.reshape(-1, 2).T
                now = at
            if send is not None:
                getattr(synth, send)(0, *arguments)
    finally:
        synth.delete()
    return sound


def _midi_events(
    score: Score, sample_rate: int
) -> list[tuple[int, int, str | None, tuple[int, ...]]]:
    """Sample, order within a sample, FluidSynth call and its arguments, in order of time."""
    events: list[tuple[int, int, str | None, tuple[int, ...]]] = []

    def add(time: float, order: int, call: str, *arguments: int) -> None:
        events.append((round(time * sample_rate), order, call, arguments))

    note: Note
    for note in score.notes:
        add(note.offset, 0, "noteoff", note.pitch)
        add(note.onset, 3, "noteon", note.pitch, note.velocity)
    for pedal in score.pedals:
        add(pedal.end, 1, "cc", 64, 0)
        add(pedal.start, 2, "cc", 64, 127)
    return sorted(events, key=lambda event: event[:2])
