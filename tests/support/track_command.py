"""Commands of small trainings."""

from support.killed import RUN, Command

LABELLED = "--{0}.steps 10 --{0}.updates 5 --{0}.batch 16 --{0}.hidden 16 --{0}.buffer-iterations 3"
"""Options of a stage that learns from labels."""

APG = "--apg.iterations 13 --apg.steps 8 --apg.minibatches 2"

PPO = (
    "--ppo.iterations 13 --ppo.steps 8 --ppo.minibatches 2 --ppo.epochs 1 --ppo.critic-hidden 16 "
    "--ppo.critic-warm-up 1"
)


def train(*words):
    """The words of Python's command line for `musclehand train`; each may be several, in one
    text."""
    split = (part for word in words for part in str(word).split())
    return ("-m", "musclehand", "train", *split)


def train_track(inputs, *more):
    """Warm start, analytic policy gradients and PPO."""
    dagger = LABELLED.format("dagger")
    return Command(
        train(
            f"track {inputs / 'corpus'} --out {RUN} --envs 4 --scores 1 --dagger.iterations 13",
            *(dagger, APG, PPO, *more),
        ),
        ("planned", "dagger", "dagger/labels", "apg", "ppo", "policy"),
        ("policy/tracking.safetensors", "policy/tracking.json", "scores.json", "config.json"),
    )
