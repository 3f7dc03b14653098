"""A hand model in the browser: sliders for joints and muscles, and moment arms."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
