from .evaluation import CONDITIONS, TrackingEvaluation, evaluate_tracking
from .generalist_policy import GeneralistConfig, GeneralistRun, generalist
from .latent_space import LatentRun, LatentRunConfig, latent
from .piece_policy import PieceConfig, PieceRun, piece
from .reporter import Reporter, TextReporter
from .scale_out import SeedRuns, track_seeds
from .tracking import TrackConfig, TrackingRun, track

__all__ = [
    "CONDITIONS",
    "GeneralistConfig",
    "GeneralistRun",
    "LatentRun",
    "LatentRunConfig",
    "PieceConfig",
    "PieceRun",
    "Reporter",
    "SeedRuns",
    "TextReporter",
    "TrackConfig",
    "TrackingEvaluation",
    "TrackingRun",
    "evaluate_tracking",
    "generalist",
    "latent",
    "piece",
    "track",
    "track_seeds",
]
