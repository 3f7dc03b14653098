"""Model-based planning: from a score to fingerings and reference motion of two hands."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
