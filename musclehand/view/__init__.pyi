from .app import HandPage as HandPage
from .state import HandState as HandState
