"""A forearm in round numbers: in which order and how deep the muscles of the hand lie, and
electrodes over them.

Angles go round the right forearm at its thickest part, seen from the elbow: 0 radial, 90 volar, 180
ulnar, 270 dorsal. Superficial muscles lie as the armband of the Para recordings names its eight
electrodes, an eighth of the round each: PT, brachioradialis (0, in no hand model), ECR, EDC, ECU,
FCU, PL, FCR (README of that set, recalled). Between these, and in depth, the order is that of
anatomy books: FDS beneath PL and FCU, FDP along the ulna, FPL along the radius. Angles and depths
are not measured on anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.model.forward import Electrode, Source

LAYOUT: Mapping[str, tuple[float, float]] = {
    **{
        "PT": (45, 8),
        "FCR": (85, 8),
        "PL": (115, 7),
        "FCU": (170, 8),
        "ECU": (222, 8),
        "EDM": (243, 8),
    },
    **{
        "ECRL": (325, 7),
        "ECRB": (308, 9),
        "APL": (290, 12),
        "EPB": (292, 14),
        "EPL": (250, 18),
        "EIP": (240, 20),
    },
    **{f"FDS{finger}": (105 + 12 * (finger - 2), 12) for finger in (2, 3, 4, 5)},
    **{f"FDP{finger}": (130 + 15 * (finger - 2), 24) for finger in (2, 3, 4, 5)},
    **{f"EDC{finger}": (280 - 9 * (finger - 2), 8) for finger in (2, 3, 4, 5)},
    **{"FPL": (50, 24), "SUP": (325, 20)},
}
"""Angle [deg] and depth [mm] of each muscle."""

SITES: Mapping[str, float] = {
    **{"PT": 45, "FCR": 85, "FDS": 125, "FCU": 170, "ECU": 222, "EDC": 265, "APL": 290, "ECR": 317},
}
"""Angle [deg] of electrodes over single muscles. Not PL: beside FCR and active with it, nothing
tells them apart."""


ARMBAND_DECAY = 1.5
"""Power of the distance (`ForwardConfig.decay`) for an armband's long bars on dry skin. Muscles
that work independently give neighbouring electrodes, 31 mm apart, 0.4 of their variance in
common then, those two places apart 0.16: about a half and a tenth were measured round the
forearm (Mogk and Keir 2003, J. Electromyogr. Kinesiol. 13:63, recalled)."""


def forearm_sources(muscles: Sequence[str]) -> tuple[Source, ...]:
    """The muscles of a model that lie in the forearm, in the order of the model.

    Args:
        muscles: names without the side.

    Raises:
        InvalidValue: none of them is known here.
    """
    found = tuple(
        Source(name, np.radians(LAYOUT[name][0]), 1e-3 * LAYOUT[name][1])
        for name in muscles
        if name in LAYOUT
    )
    if not found:
        raise InvalidValue("muscles", list(muscles)[:8], f"some of {', '.join(LAYOUT)}")
    return found


def site_electrodes(sites: Mapping[str, float] = SITES) -> tuple[Electrode, ...]:
    """One pair of electrodes over each muscle named."""
    return tuple(Electrode(name, float(np.radians(angle)), name) for name, angle in sites.items())


def armband_electrodes(count: int = 8, first: float = 0.0) -> tuple[Electrode, ...]:
    """An armband: electrodes "1" to `count`, evenly round the forearm from `first` [rad] on."""
    if count < 2:
        raise InvalidValue("number of electrodes", count, "at least 2")
    return tuple(Electrode(str(i + 1), first + 2 * np.pi * i / count) for i in range(count))
