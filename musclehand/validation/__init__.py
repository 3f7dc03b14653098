"""Validation and comparison of hand models: checks with thresholds and sources, and differences
in anatomical words."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
