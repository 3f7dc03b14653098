"""Worlds to play in: bodies and pianos that a player has no model of, behind late, noisy senses."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
