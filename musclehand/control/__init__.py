"""Computed muscle control: muscle excitations by which hands follow a reference motion."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
