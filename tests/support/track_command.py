"""The command of a small tracking training."""

import pytest

from musclehand.music.formats.midi import write_midi
from support.killed import RUN, Command
from support.paths import EXPERIMENTS
from support.small_planner import MIRRORED, small_planner, small_skill
from support.tracking_clips import write_small_corpus

TAUGHT = (
    "--{0}.steps",
    "10",
    "--{0}.updates",
    "5",
    "--{0}.batch",
    "16",
    "--{0}.hidden",
    "16",
    "--{0}.memory",
    "3",
)


SLOPE = ("--slope.iterations", "13", "--slope.steps", "8", "--slope.minibatches", "2")


def track_hand(made, *more):
    """Warm start, slopes and PPO."""
    warm = (part.format("warm") for part in TAUGHT)
    ppo = (
        "--ppo.iterations",
        "13",
        "--ppo.steps",
        "8",
        "--ppo.minibatches",
        "2",
        "--ppo.epochs",
        "1",
    )
    return Command(
        (
            *(
                str(EXPERIMENTS / "track_hand.py"),
                str(made / "corpus"),
                "--out",
                RUN,
                "--envs",
                "4",
                "--scores",
                "1",
            ),
            *(
                "--warm.iterations",
                "13",
                *warm,
                *SLOPE,
                *ppo,
                "--ppo.critic",
                "16",
                "--ppo.critic-alone",
                "1",
                *more,
            ),
        ),
        ("planned", "warm", "warm/labels", "slope", "ppo", "policy"),
        ("policy/000001.safetensors", "policy/000001.json", "scores.json", "config.json"),
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with what commands are given."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "corpus").mkdir()
    write_small_corpus(folder / "corpus")
    small_planner(folder / "planner", small_skill(folder / "skill"))
    write_midi(MIRRORED, folder / "song.mid")
    return folder
