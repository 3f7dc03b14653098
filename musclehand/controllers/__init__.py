"""Who plays: the hands-free keyboard and computed muscle control, behind one interface."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
