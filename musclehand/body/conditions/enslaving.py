"""Enslaving and force deficit: fingers that are not independent, as people's are not.

Two causes are kept apart:

- **Neural.** The slips of FDP, of EDC and of FDS each share drive. A command to one finger reaches
  its neighbours (enslaving), and the commands together are bounded (force deficit). This is the
  hypothesis of finger modes (Danion et al. 2003, Biol Cybern 88:91): forces are G W m. The matrix W
  has a single finger's effect on all, and the gain G falls with the number of fingers. Here W mixes
  excitations, and the gain follows from a bound on a norm of the commands.
- **Mechanical.** Bands couple neighbouring tendons of EDC (juncturae tendinum, fascia and web of
  the skin) and of FDP (the quadriga). They are slack until a finger moves against its neighbour.

W has ones on the diagonal, so that a single finger keeps its strength. Its rows are not normalised
to 1: all fingers together are weakened by the bound on commands, and not by the mixing.

Intrinsic muscles, thumb and wrist stay independent, as do EIP and EDM.
"""

from __future__ import annotations

import math

import numpy as np

from musclehand.body.anatomy import FINGER_NUMBERS
from musclehand.body.build.table_rows import SharedDrive, TendonLink

PRESSING = (
    (1.00, 0.22, 0.14, 0.12),
    (0.22, 1.00, 0.38, 0.20),
    (0.15, 0.38, 1.00, 0.45),
    (0.13, 0.20, 0.45, 1.00),
)
"""Force of each finger (row, index to little) over its own maximum when one finger (column) presses
maximally.

Chosen within what is published of such matrices: from 0.109 to 0.547, nearly symmetrical, larger
for neighbours (Zatsiorsky, Li & Latash 1998, Biol Cybern 79:139, abstract). The ring finger is
enslaved most (Wilhelm, Martin, Latash & Zatsiorsky 2014, table 1, quoted). The mean, 0.25, lies
above the 0.20 to 0.22 of two later studies (the same; Danion et al. 2001, quoted)."""

SHARES = {"FDP": 1.15, "EDC": 1.0, "FDS": 0.8}
"""Factors on the enslaving of `PRESSING` in each muscle. Independence falls from FDS over EDC to
FDP (van Duinen, Yu & Gandevia 2009, J Physiol, PMC2770148, abstract); the numbers are chosen."""

DEFICIT = 0.37
"""Force deficit of four fingers: share of the sum of single maxima that is missing when all press
together (recalled: Li, Latash & Zatsiorsky 1998, Exp Brain Res 119:276)."""

QUADRIGA_SLACK = 0.010
"""[m] Sliding of neighbouring FDP tendons up to which they are independent. Surgeons hold that the
quadriga effect begins when a tendon is advanced by 10 mm (Smith, Daly & Jarrett, AAHS meeting 2014,
abstract); fingers also move alone over 13 to 61 % of their travel (van den Noort et al. 2016, PLoS
ONE 11:e0168636, quoted)."""

QUADRIGA_STIFFNESS = 100.0
"""[N/m] Stiffness of the bands between FDP tendons. Chosen: a finger of a relaxed hand that is
moved takes others along about as much as one that moves itself (Lang & Schieber 2004, J
Neurophysiol 92:2802, abstract)."""

JUNCTURA_SLACK = 0.006
"""[m] As `QUADRIGA_SLACK`, for EDC: 40 degrees at the MCP joint. Chosen, as above."""

JUNCTURA_STIFFNESS = {"23": 1500.0, "34": 3000.0, "45": 3000.0}
"""[N/m] Stiffness of the bands between EDC tendons, by the two fingers. Chosen for what a pull at
EDC2 does to the middle finger: 32 % of the extension that it is capable of (von Schroeder & Botte
1993, J Hand Surg 18A:641, abstract). More is passed on at the ulnar side (the same)."""

LEAST_SHARE = 0.01
"""Smallest part of the published enslaving that can be asked for; chosen."""


def shared_drives(share: float = 1.0) -> tuple[SharedDrive, ...]:
    """Drives of FDP, EDC and FDS.

    Args:
        share: of the published enslaving and force deficit, `LEAST_SHARE` to 1.
    """
    return tuple(_shared_drive(belly, share * factor, share) for belly, factor in SHARES.items())


def tendon_links(share: float = 1.0) -> tuple[TendonLink, ...]:
    """Bands between the tendons of EDC and of FDP.

    Args:
        share: of their stiffness, `LEAST_SHARE` to 1.
    """
    juncturae = [
        _link("EDC", pair, JUNCTURA_SLACK, share * stiffness)
        for pair, stiffness in JUNCTURA_STIFFNESS.items()
    ]
    quadriga = [
        _link("FDP", pair, QUADRIGA_SLACK, share * QUADRIGA_STIFFNESS)
        for pair in JUNCTURA_STIFFNESS
    ]
    return (*juncturae, *quadriga)


def deficit_exponent(mixing: np.ndarray, deficit: float) -> float:
    """Exponent of the norm that bounds the commands, for a force deficit of all fingers together.

    With equal commands c to n fingers of norm 1, c is n^(-1/p). Each finger then has the mean row
    sum of the mixing times c, which is to be 1 less the deficit.

    Args:
        mixing: shape (n, n).
        deficit: 0 to 1.
    """
    excess = float(np.mean(np.sum(mixing, axis=1))) / (1.0 - deficit)
    return math.log(len(mixing)) / math.log(excess)


def _shared_drive(belly: str, enslaving: float, share: float) -> SharedDrive:
    mixing = enslaving * np.array(PRESSING)
    np.fill_diagonal(mixing, 1.0)
    return SharedDrive(
        belly,
        tuple(f"{belly}{number}" for number in FINGER_NUMBERS),
        tuple(tuple(row) for row in mixing.tolist()),
        deficit_exponent(mixing, share * DEFICIT),
    )


def _link(belly: str, pair: str, slack: float, stiffness: float) -> TendonLink:
    first, second = (f"{belly}{number}" for number in pair)
    return TendonLink(f"{belly}_band{pair}", (first, second), slack, stiffness)
