"""Experiments and analyses as modules, to test their functions."""

import importlib.util
import sys

from support.paths import ROOT


def load(name, folder="experiments"):
    """The module of a script, which is put into `sys.modules`; it finds the modules beside it, as
    when it is run."""
    path = ROOT / folder / f"{name}.py"
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
