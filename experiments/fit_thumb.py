"""Random search for the thumb's path points; those of `models/hand/paths.csv` were found by it.

    python experiments/fit_thumb.py --seconds 120 --out runs/fit_thumb/paths.csv

Two points of a muscle about a joint share their dorsal and radial distance
(`body.build.joint_site`), so that a pair has four numbers. The search changes some of them at a
time and keeps changes that lower a cost: postures without torque closure, or without 0.02 N m in
every direction; moment arms of the wrong sign; and arms farther than 2.6 mm (root mean square over
random postures) from those of `models/reference/moment_arms.csv`. The result is a proposal, to be
checked by `musclehand validate` before it is copied into the tables.
"""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from rich.progress import Progress

from harness.script import run_script
from musclehand.body.analysis.moment_arm import moment_arms, tendon_lengths
from musclehand.body.analysis.reference import load_reference
from musclehand.body.analysis.strength import muscle_limits, torque_closure, torque_range
from musclehand.body.anatomy import THUMB_JOINTS, Side, directions
from musclehand.body.build.hand import load_hand
from musclehand.body.build.joint_site import joint_frame, place_site
from musclehand.body.build.myosim import MyoSimArm
from musclehand.body.build.tables import load_tables
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import sample_postures

JOINTS = ("cmc", "mp", "ip")

LEAST_TORQUE = 0.02
"""[N m] Torque that muscles have to reach in every direction."""

NEAR = 0.0026
"""[m] Distance from a published moment arm that costs nothing."""

SPREAD = np.array([0.0010, 0.0012, 0.0010, 0.0012])
"""[m] Typical changes of dorsal, radial, proximal and distal distance."""

NEAREST = 0.003
"""[m] Least distance of a point along the bone: nearer points fold over."""

FARTHEST = 0.026
"""[m] Largest distance of a point along the bone: farther points leave it."""


@dataclass(frozen=True)
class Args:
    """How long to search and where to write."""

    seconds: float = 120.0
    """Time of the search."""

    seed: int = 0
    """Of the search."""

    postures: int = 500
    """Random postures that are judged."""

    out: Path = Path("runs/fit_thumb/paths.csv")
    """Table with the best points."""


class Thumb:
    """A compiled hand whose thumb points can be moved, and the cost of where they are."""

    def __init__(self, args: Args) -> None:
        tables = load_tables()
        source = MyoSimArm()
        self.model = load_hand()
        self.hand = HandIndex.from_model(self.model, Side.RIGHT)
        self.frames = {joint: joint_frame(source.find, tables, joint) for joint in JOINTS}
        rng = np.random.default_rng(1000 + args.seed)
        self.postures = sample_postures(self.hand, self.hand.limits(self.model), args.postures, rng)
        rows = [
            row
            for row in tables.paths
            if row.kind == "joint_site" and row.body in JOINTS and row.pos
        ]
        names = {row.name: row for row in rows}
        stems = sorted(
            {name[:-1] for name in names if f"{name[:-1]}a" in names and f"{name[:-1]}b" in names}
        )
        self.joint_of = {stem: names[f"{stem}a"].body for stem in stems}
        near, far = (np.array([names[f"{stem}{end}"].pos for stem in stems]) for end in "ab")
        self.start = dict(
            zip(
                stems,
                np.column_stack([near[:, 2], near[:, 0], -near[:, 1], far[:, 1]]),
                strict=True,
            )
        )
        self.columns = [self.hand.joints.index(joint) for joint in THUMB_JOINTS]
        reference = load_reference().moment_arms
        self.published = [
            row
            for row in reference
            if row.joint in THUMB_JOINTS and row.muscle in self.hand.muscle_names
        ]
        self.muscles = sorted({self.hand.muscle_names.index(row.muscle) for row in self.published})

    def move(self, pairs: dict[str, np.ndarray]) -> None:
        """Moves all pairs of points to the places given by their four numbers."""
        for stem, (dorsal, radial, before, after) in pairs.items():
            for end, along in (("a", -before), ("b", after)):
                _, pos = place_site(self.frames[self.joint_of[stem]], (radial, along, dorsal))
                self.model.site_pos[self.model.site(f"{stem}{end}_r").id] = pos

    def cost(self) -> tuple[float, str]:
        """The cost of the present points, and its parts in words."""
        arms = moment_arms(self.model, self.hand, self.postures)
        active = muscle_limits(
            self.model, self.hand, tendon_lengths(self.model, self.hand, self.postures)
        ).active
        thumb = arms[:, self.muscles][:, :, self.columns]
        closure = float(np.mean(torque_closure(thumb)))
        low, high = torque_range(thumb, active[:, self.muscles])
        strong = float(np.mean(((low < -LEAST_TORQUE) & (high > LEAST_TORQUE)).all(axis=1)))
        wrong = distance = 0.0
        for row in self.published:
            sign = 1.0 if row.direction == directions(row.joint)[0] else -1.0
            arm = (
                sign
                * arms[
                    :, self.hand.muscle_names.index(row.muscle), self.hand.joints.index(row.joint)
                ]
            )
            wrong += max(0.0, float(np.mean(arm < -0.0005)) - 0.005)
            if row.arm is not None and row.used:
                distance += max(0.0, float(np.sqrt(np.mean(np.square(arm - row.arm)))) - NEAR)
        words = (
            f"closure {closure:.3f}, torque {strong:.3f}, wrong {wrong:.3f}, "
            f"arms off {1e3 * distance:.1f} mm in all"
        )
        return 50.0 * (2.0 - closure - strong) + 80.0 * wrong + 500.0 * distance, words


def main(args: Args) -> None:
    """Searches, prints the parts of the lowest cost, and writes the table."""
    thumb = Thumb(args)
    rng = np.random.default_rng(args.seed)
    best = thumb.start
    thumb.move(best)
    lowest, words = thumb.cost()
    begin = time.monotonic()
    with Progress() as progress:
        task = progress.add_task(f"{lowest:.2f}", total=args.seconds)
        while (spent := time.monotonic() - begin) < args.seconds:
            chosen = {stem: rng.random(4) < 0.25 for stem in best}
            candidate = {
                stem: pair + rng.normal(size=4) * SPREAD * chosen[stem]
                for stem, pair in best.items()
            }
            if all(
                (pair[2:] > NEAREST).all() and (pair[2:] < FARTHEST).all()
                for pair in candidate.values()
            ):
                thumb.move(candidate)
                cost, parts = thumb.cost()
                if cost < lowest:
                    best = candidate
                    lowest = cost
                    words = parts
            progress.update(task, completed=spent, description=f"{lowest:.2f}: {words}")
    write(args.out, best)
    print(f"{words}\nWritten to {args.out}")


def write(path: Path, pairs: dict[str, np.ndarray]) -> None:
    """Writes the table of paths with other pairs of points.

    Args:
        path: of the table.
        pairs: four numbers of each pair [m], by its name without the last letter.
    """
    text = files("musclehand.models.hand").joinpath("paths.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    for row in rows:
        pair = pairs.get(row["name"][:-1]) if row["kind"] == "joint_site" else None
        if pair is not None:
            dorsal, radial, before, after = 1e3 * pair
            along = -before if row["name"].endswith("a") else after
            row |= {"x_mm": f"{radial:.1f}", "y_mm": f"{along:.1f}", "z_mm": f"{dorsal:.1f}"}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    run_script(main, Args, __doc__)
