"""The house rules: who imports whom (the README's table), sizes, docstrings, and nothing
happening at import."""

import ast
import re
import subprocess
import sys

import pytest

from support.paths import ROOT

LIBRARY = ROOT / "musclehand"
MODULES = sorted(LIBRARY.rglob("*.py"))
MAX_MODULE_LINES = 350
MAX_FUNCTION_LINES = 60
PRINTING = {
    *(
        "cli",
        "cli_tables",
        "cli_validate",
        "cli_diff",
        "cli_view",
        "cli_muscles",
        "cli_corpus",
        "cli_retarget",
    ),
    *("cli_emg", "cli_emg_files", "cli_emg_sessions", "cli_emg_compare", "cli_emg_simulate"),
}
HEAVY = (
    *(
        "torch",
        "matplotlib",
        "sklearn",
        "partitura",
        "fluidsynth",
        "myosuite",
        "mink",
        "myo_sim",
        "imageio_ffmpeg",
    ),
    "viser",
    "music21",
    "zarr",
    "joblib",
    *("neo", "pyedflib", "spm1d"),
    *("warp", "mujoco_warp", "rsl_rl", "tensordict", "safetensors", "ray"),
)


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(path):
    """The row of the table a module belongs to: its package, or itself for modules at the top."""
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports_of(path):
    """Every module name imported anywhere in a file."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import in line {node.lineno}"
            if node.module == "musclehand":
                yield from (f"musclehand.{alias.name}" for alias in node.names)
            else:
                yield node.module


def import_table():
    """The README's table: package -> (packages of ours, packages of others), `None` for
    everything."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("<!-- import table -->")[1]
    rows = {}
    for line in section.strip().splitlines()[2:]:
        package, ours, others = (cell.strip() for cell in line.strip("|").split("|"))
        allowed = None if ours == "everything" else set(re.findall(r"`(\w+)`", ours))
        rows[package.strip("`")] = allowed, set(re.findall(r"`(\w+)`", others))
    return rows


TABLE = import_table()


def test_the_table_has_a_row_for_every_package_and_no_other():
    found = {package_of(path) for path in MODULES} - {"__init__"}
    assert found == set(TABLE)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_are_those_of_the_table(path):
    package = package_of(path)
    if package == "__init__":
        assert not list(imports_of(path))
        return
    ours, others = TABLE[package]
    wrong = []
    for module in imports_of(path):
        first, *rest = module.split(".")
        if first == "musclehand":
            known = (
                not rest or rest[0] == "__version__" or ours is None or rest[0] in {package, *ours}
            )
        else:
            known = first in sys.stdlib_module_names or first in others or ours is None
        if not known:
            wrong.append(module)
    assert not wrong, f"{name_of(path)} imports {wrong}; the README's table does not allow it"


def test_rows_only_name_rows_above_them():
    """No circles: every package needs only packages that stand above it in the table."""
    above = set()
    for package, (ours, _) in TABLE.items():
        assert ours is None or ours <= above, package
        above.add(package)


def test_numpy_below_the_simulation():
    for package in ("core", "body", "music", "piano", "motion", "control"):
        assert "torch" not in TABLE[package][1], package


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_library_does_not_print_or_give_up_silently(path):
    for node in ast.walk(tree_of(path)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and package_of(path) not in PRINTING
        ):
            assert node.func.id != "print", f"print in line {node.lineno}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"bare except in line {node.lineno}"
            silent = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
            assert not silent, f"except: pass in line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_is_public_has_a_docstring(path):
    def check(node, name):
        assert ast.get_docstring(node), f"{name} has no docstring"
        if isinstance(node, ast.FunctionDef):
            return
        for child in node.body:
            if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
                check(child, f"{name}.{child.name}")

    check(tree_of(path), name_of(path))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_loose_ends(path):
    text = path.read_text(encoding="utf-8")
    for mark in ("TODO", "FIXME", "XXX", "NotImplementedError", "/work/", "/tmp/"):
        assert mark not in text, mark
    assert path.stem not in {"utils", "helpers", "constants", "base", "types", "common"}


def fresh_python(code):
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return run.stdout.strip(), run.stderr.strip()


def test_importing_the_package_loads_nothing():
    code = "import sys; before = set(sys.modules); import musclehand; print(sorted(set(sys.modules) - before))"
    loaded, noise = fresh_python(code)
    assert ast.literal_eval(loaded) == ["musclehand"]
    assert not noise


def test_importing_every_module_is_quiet_and_leaves_the_heavy_libraries_out():
    # What learns is made of torch; who imports it wants that.
    names = [name_of(path) for path in MODULES if package_of(path) != "learning"]
    code = (
        "import importlib, sys, numpy\n"
        "numpy.random.seed(1)\n"
        "before = numpy.random.get_state()[1].tolist()\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "assert before == numpy.random.get_state()[1].tolist()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    loaded, noise = fresh_python(code)
    assert loaded == "[]"
    assert not noise
