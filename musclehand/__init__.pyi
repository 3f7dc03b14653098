from . import emg as emg
from . import training as training
from .body.anatomy import Side as Side
from .body.build.hand import load_hand as load_hand
from .controllers.high_level import HighLevelController as HighLevelController
from .controllers.muscle import MuscleController as MuscleController
from .controllers.tracking_policy import TrackingPolicyController as TrackingPolicyController
from .core.errors import MusclehandError as MusclehandError
from .core.recording_reader import Recording as Recording
from .envs.gym import register_envs as register_envs
from .music.repertoire import list_pieces as list_pieces
from .music.repertoire import load_piece as load_piece
from .music.score import Note as Note
from .music.score import Score as Score
from .music.sources import load_score as load_score
from .performance.perform import Performance as Performance
from .performance.perform import perform as perform
from .performance.play import play as play
from .planning.plan import PerformancePlan as PerformancePlan
from .planning.plan import plan_performance as plan_performance
from .planning.plan_file import load_plan as load_plan
from .policies.high_level import load_high_level_policy as load_high_level_policy
from .policies.tracking import load_tracking_policy as load_tracking_policy
from .sim.scene import build_scene as build_scene
from .validation.run import diff as diff
from .validation.run import validate as validate

__version__: str
