"""Additive synthesis of a piano: a score becomes stereo sound without any sample library.

Every note is a sum of decaying partials of a stiff string (f_n = n f_1 sqrt((1 + B n^2) / (1 + B)),
so the first partial is in tune). A hammer excites them at an eighth of the string, the brighter the
harder it strikes. They ring as a loud prompt sound and a quieter, longer aftersound of strings that
are slightly detuned against each other (Weinreich 1977, "Coupled piano strings", JASA 62: 1474).
Added are the knock of hammer and key, the damper, the sustain pedal, the player's stereo image and
a small room. Tuning is equal temperament, A4 = 440 Hz, not stretched.

The inharmonicity B follows Rigaud, David and Daudet 2013 ("A parametric model and estimation
techniques for the inharmonicity and tuning of the piano", JASA 133: 3107); decay times, brightness
and levels are chosen by ear and order of magnitude. Loudness is absolute: a soft piece stays soft,
and only a score that would clip is turned down.
"""

from __future__ import annotations

import math
import wave
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.atomic import temporary_path
from musclehand.core.errors import InvalidValue, OutputError
from musclehand.music.score import Note, Score

TAIL = 2.0
"""[s] Length of the sound after the last key is released."""

MAX_SECONDS = 3600.0
"""[s] Longest score that is synthesised; an hour of stereo takes 1.3 GB of memory."""

PEAK = 10 ** (-1.5 / 20)
"""Largest sample, -1.5 dB relative to full scale; louder sound is turned down as a whole."""

LAST_DAMPED_PITCH = 89
"""F6: the strings above it have no dampers on most pianos."""

VELOCITY_BIN = 8
"""Notes of one pitch whose MIDI velocities lie in one bin of this width share a scaled tone."""

_BLOCK = 1024
"""Samples of a tone that are computed at a time."""

_QUIETEST = 10 ** (-65 / 20)
"""Level relative to full scale below which a partial is inaudible and left out, -65 dB."""

_ROOM_SECONDS = 0.7
"""[s] Reverberation time of the room (decay by 60 dB)."""


class _Stroke(NamedTuple):
    """A note from the hammer to the damper."""

    onset: float
    """[s] Time at which the hammer strikes."""

    damped: float
    """[s] Time at which the damper falls, by the release of the key or of the pedal."""

    velocity: int
    """MIDI velocity."""


class _Partials(NamedTuple):
    """Decaying sinusoids; all arrays have shape (num_partials,)."""

    level: np.ndarray
    """Amplitude at the beginning, relative to full scale."""

    phase: np.ndarray
    """[rad] Phase at the beginning."""

    frequency: np.ndarray
    """[Hz] Frequency."""

    decay: np.ndarray
    """[1/s] Rate of decay of the amplitude."""


def synthesise(
    score: Score, *, sample_rate: int = 44100, soundfont: str | PathLike[str] | None = None
) -> np.ndarray:
    """Synthesise the sound of a score, from time 0 to `TAIL` after its last note.

    Args:
        score: notes and sustain pedal.
        sample_rate: [Hz], 8000 to 192000.
        soundfont: play through this SoundFont with FluidSynth instead.

    Returns:
        Left and right channel, within `PEAK`. Shape (num_samples, 2), float32, column-major.

    Raises:
        InvalidValue: an impossible sample rate, or a score of over an hour.
        OutputError: the SoundFont, or the library that plays it, is missing.
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
    """Write a WAV file (16-bit PCM), complete or not at all. Samples beyond +-1 are clipped.

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
    with temporary_path(path) as part, part.open("wb") as file, wave.open(file, "wb") as out:
        out.setnchannels(channels.shape[1])
        out.setsampwidth(2)
        out.setframerate(sample_rate)
        for start in range(0, len(channels), 1 << 18):
            block = np.asarray(channels[start : start + (1 << 18)], dtype=float)
            if not np.isfinite(block).all():
                raise InvalidValue("samples", "nan or infinity", "finite numbers")
            out.writeframesraw(np.rint(np.clip(block, -1, 1) * 32767).astype("<i2").tobytes())


def _strokes(score: Score) -> dict[tuple[int, int], list[_Stroke]]:
    """Strokes by (pitch, velocity bin), damped when both the key and the pedal are released."""
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
        while True:
            pedal = int(np.searchsorted(starts, damped, side="right")) - 1
            if pedal < 0 or not ends[pedal] > damped:
                break
            damped = float(ends[pedal])
        damped = max(min(damped, next_onset.get(note.pitch, math.inf)), note.onset)
        next_onset[note.pitch] = note.onset
        group = groups.setdefault((note.pitch, note.velocity // VELOCITY_BIN), [])
        group.append(_Stroke(note.onset, damped, note.velocity))
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
    # Low notes come a little from the left, as the player hears them (equal-power panning).
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
    """The audible partials of a note, computed once for the undamped tone."""
    fundamental = 440.0 * 2 ** ((pitch - 69) / 12)
    stiffness = math.exp(0.0926 * pitch - 13.64) + math.exp(-0.0847 * pitch - 5.82)
    n = np.arange(1, 81)
    frequency = n * fundamental * np.sqrt((1 + stiffness * n**2) / (1 + stiffness))
    # The felt of a harder stroke leaves the string sooner and excites more of the high partials.
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
    # The soundboard scatters the phases; equal phases would add up to a buzzing pulse per period.
    phases = np.tile(2 * np.pi * 0.618 * n**2, len(parts))
    kept = (levels > _QUIETEST * 0.25) & (frequencies < 0.45 * sample_rate)
    kept[0] = True
    return _Partials(levels[kept], phases[kept], frequencies[kept], decays[kept])


def _tone(
    pitch: int, velocity: float, partials: _Partials, num_samples: int, sample_rate: int
) -> np.ndarray:
    """An undamped note. Shape (num_samples,), float32.

    exp(s t) at sample k of block b is exp(s b) exp(s k), so all samples of all blocks are a product
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
    # Fade out the remainder at -65 dB: cut off, it would click.
    flat[num_samples - end :] *= np.linspace(1, 0, end, dtype=np.float32)
    return flat


def _knock(pitch: int, velocity: float, sample_rate: int) -> np.ndarray:
    """The noise of hammer and key: a burst of high noise and three short low resonances.
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
    """Render the score with FluidSynth. Shape (2, num_samples), float32."""
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
        position = 0
        for sample, _, call, arguments in [
            *_midi_events(score, sample_rate),
            (num_samples, 9, None, ()),
        ]:
            if sample > position:
                rendered = np.asarray(synth.get_samples(sample - position), dtype=np.float32)
                sound[:, position:sample] = (rendered / 32768).reshape(-1, 2).T
                position = sample
            if call is not None:
                getattr(synth, call)(0, *arguments)
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
