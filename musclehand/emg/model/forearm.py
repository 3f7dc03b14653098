"""A schematic forearm: angle and depth of the muscles of the hand, and electrodes over them.

Angles go round the right forearm at its thickest part, seen from the elbow: 0 radial, 90 volar, 180
ulnar, 270 dorsal. Superficial muscles lie as the armband of the Para recordings names its eight
electrodes, an eighth of the round each: PT, brachioradialis (0, in no hand model), ECR, EDC, ECU,
FCU, PL, FCR (README of that set, recalled). Between these, and in depth, the order is that of
anatomy books: FDS beneath PL and FCU, FDP along the ulna, FPL along the radius. Angles and depths
are round numbers, not measurements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.model.forward import Electrode, Source

LAYOUT: Mapping[str, tuple[float, float]] = {
    "PT": (45, 8),
    "FCR": (85, 8),
    "PL": (115, 7),
    "FCU": (170, 8),
    "ECU": (222, 8),
    "EDM": (243, 8),
    "ECRL": (325, 7),
    "ECRB": (308, 9),
    "APL": (290, 12),
    "EPB": (292, 14),
    "EPL": (250, 18),
    "EIP": (240, 20),
    **{f"FDS{finger}": (105 + 12 * (finger - 2), 12) for finger in (2, 3, 4, 5)},
    **{f"FDP{finger}": (130 + 15 * (finger - 2), 24) for finger in (2, 3, 4, 5)},
    **{f"EDC{finger}": (280 - 9 * (finger - 2), 8) for finger in (2, 3, 4, 5)},
    "FPL": (50, 24),
    "SUP": (325, 20),
}
"""Angle [deg] and depth [mm] of each muscle."""

SITES: Mapping[str, float] = {
    "PT": 45,
    "FCR": 85,
    "FDS": 125,
    "FCU": 170,
    "ECU": 222,
    "EDC": 265,
    "APL": 290,
    "ECR": 317,
}
"""Angle [deg] of electrodes over single muscles. PL has none: it lies beside FCR and is active with
it, so that no electrode distinguishes them."""


ARMBAND_DECAY = 1.5
"""Power of the distance (`ForwardConfig.decay`) for an armband's long bars on dry skin. With it,
neighbouring electrodes, 31 mm apart, share 0.4 of their variance when muscles work independently,
and those two places apart share 0.16. About a half and a tenth were measured round the forearm
(Mogk and Keir 2003, J. Electromyogr. Kinesiol. 13:63, recalled)."""


def forearm_sources(muscles: Sequence[str]) -> tuple[Source, ...]:
    """The muscles of a model that lie in the forearm, in the order of the model.

    Args:
        muscles: names without the side.

    Raises:
        InvalidValue: none of them is in `LAYOUT`.
    """
    sources = tuple(
        Source(name, np.radians(LAYOUT[name][0]), 1e-3 * LAYOUT[name][1])
        for name in muscles
        if name in LAYOUT
    )
    if not sources:
        raise InvalidValue("muscles", list(muscles)[:8], f"some of {', '.join(LAYOUT)}")
    return sources


def site_electrodes(sites: Mapping[str, float] = SITES) -> tuple[Electrode, ...]:
    """One pair of electrodes at each site [deg], named after its muscle."""
    return tuple(Electrode(name, float(np.radians(angle)), name) for name, angle in sites.items())


def armband_electrodes(count: int = 8, first: float = 0.0) -> tuple[Electrode, ...]:
    """An armband: electrodes "1" to `count`, evenly round the forearm from `first` [rad] on.

    Raises:
        InvalidValue: fewer than 2 electrodes.
    """
    if count < 2:
        raise InvalidValue("number of electrodes", count, "at least 2")
    return tuple(Electrode(str(i + 1), first + 2 * np.pi * i / count) for i in range(count))
