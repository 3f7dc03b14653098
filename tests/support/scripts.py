"""Experiments and analyses as modules, to test what is in them."""

import importlib.util
import sys

from support.paths import ROOT

FOLDER = ROOT


def load(name, folder="experiments"):
    """The module of a script, and in `sys.modules`; scripts beside it are found by their names,
    as when it is run."""
    path = FOLDER / folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(path.parent))
    return module
