"""The playing posture of hands of several sizes, solved anew after a change of the hand.

    python experiments/fit_playing_posture.py
    python experiments/fit_playing_posture.py --lengths 0.16 0.19

`motion.inverse_kinematics.HandIk` solves the posture whenever it is made, for any hand: the
fingertips are over five neighbouring white keys, and of all such postures, with the wrist at any
height and depth, it takes the one nearest to the relaxed hand. What needs a posture without a model
has that of the bundled hand in `body.posture.PLAYING_POSTURE_DEG`, and the place of its wrist in
`motion.playing_hand`. The command prints both as they belong there, and a table of sizes. Tests
hold the stored values to the solved ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.results_page import markdown_table
from harness.script import run_script
from musclehand.body.build.scaling import HAND_BREADTH, HAND_LENGTH, scale_tables
from musclehand.body.build.tables import load_tables
from musclehand.motion.inverse_kinematics import HandIk


@dataclass(frozen=True)
class Args:
    """For which hands to solve the posture."""

    lengths: tuple[float, ...] = (0.145, 0.16, 0.19, 0.205, 0.22)
    """[m] Hand lengths beside the bundled one; breadth in proportion."""


def main(args: Args) -> None:
    """Solves and prints."""
    bundled = HandIk()
    hand = bundled.playing
    print("PLAYING_POSTURE_DEG = {")
    for joint, angle in posture_deg(bundled).items():
        print(f'    "{joint}": {angle:.0f},')
    print("}")
    print(f"WRIST_DEPTH = {hand.wrist_depth:.3f}")
    print(f"WRIST_HEIGHT = {hand.wrist_height:.3f}\n")
    hands = {HAND_LENGTH: bundled}
    for length in args.lengths:
        breadth = HAND_BREADTH * length / HAND_LENGTH
        tables = scale_tables(load_tables(), hand_length=length, hand_breadth=breadth)
        hands[length] = HandIk(design=tables)
    print(size_table(dict(sorted(hands.items()))))


def posture_deg(ik: HandIk) -> dict[str, float]:
    """The playing posture of a hand [deg] by joint, joints that follow others included."""
    angles = np.rad2deg(ik.index.expand @ ik.posture)
    return dict(zip(ik.index.joints, angles.tolist(), strict=True))


def size_table(hands: dict[float, HandIk]) -> str:
    """Postures and wrists in Markdown, a column for each hand length [m]."""
    lines = [
        ["wrist height mm", *(f"{1e3 * ik.playing.wrist_height:.0f}" for ik in hands.values())],
        ["wrist depth mm", *(f"{1e3 * ik.playing.wrist_depth:.0f}" for ik in hands.values())],
    ]
    postures = [posture_deg(ik) for ik in hands.values()]
    for joint in postures[0]:
        lines.append([joint, *(f"{posture[joint]:.0f}" for posture in postures)])
    return markdown_table(["hand length mm", *(f"{1e3 * length:.0f}" for length in hands)], lines)


if __name__ == "__main__":
    run_script(main, Args, __doc__)
