"""Controllers: computed muscle control, tracking and high-level policies, the keyboard alone, and
two oracles."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
