"""The house rules: who imports whom (`import_rules.toml`), sizes, docstrings, and nothing happening
at import."""

import ast
import importlib
import inspect
import subprocess
import sys

import pytest

from support.paths import ROOT, TESTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LIBRARY = ROOT / "musclehand"
MODULES = sorted(LIBRARY.rglob("*.py"))

MAX_MODULE_LINES, MAX_FUNCTION_LINES = 350, 60
"""Lines of code: docstrings, comments and blank lines do not count, or they would be saved on."""

FREE_LIBRARIES = {"typing_extensions", "lazy_loader"}

HEAVY = (
    *("torch", "matplotlib", "sklearn", "partitura", "fluidsynth", "myosuite", "mink", "myo_sim"),
    *(
        "imageio_ffmpeg",
        "viser",
        "music21",
        "zarr",
        "joblib",
        "neo",
        "pyedflib",
        "spm1d",
        "pyxdf",
        "openpyxl",
    ),
    *("warp", "mujoco_warp", "rsl_rl", "tensordict", "safetensors", "ray"),
)


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(path):
    """The room of a module, "" for those at the root."""
    parts = path.relative_to(LIBRARY).parts
    return parts[0] if len(parts) > 1 else ""


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


RULES = tomllib.loads((TESTS / "import_rules.toml").read_text(encoding="utf-8"))


def test_only_the_front_door_stands_at_the_root():
    assert {path.name for path in MODULES if not room_of(path)} == {"__init__.py", "__main__.py"}


def test_the_rules_have_a_row_for_every_room_and_no_other():
    assert {room_of(path) for path in MODULES} - {""} == set(RULES)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_are_those_of_the_rules(path):
    room = room_of(path)
    # The root loads rooms for the command and for Gymnasium alone.
    rule = RULES.get(room, {"imports": ["cli", "envs"], "libraries": []})
    wrong = []
    for module in imports_of(path):
        first, *inner = module.split(".")
        if first == "musclehand":
            allowed = not inner or inner[0] in {"__version__", "models", room, *rule["imports"]}
        else:
            allowed = first in {*sys.stdlib_module_names, *FREE_LIBRARIES, *rule["libraries"]}
        if not allowed:
            wrong.append(module)
    assert not wrong, f"{name_of(path)} imports {wrong}; import_rules.toml does not allow it"


def test_rules_only_name_rooms_above_them():
    """No circles: every room needs only rooms that stand above it."""
    above = set()
    for room, rule in RULES.items():
        assert set(rule["imports"]) <= above, room
        above.add(room)


def test_rules_allow_no_more_than_is_used():
    """A row that has become too wide is narrowed."""
    used = {room: set() for room in RULES}
    for path in MODULES:
        if room_of(path):
            used[room_of(path)].update(imports_of(path))
    for room, rule in RULES.items():
        rooms = {name.split(".")[1] for name in used[room] if name.startswith("musclehand.")}
        libraries = {name.split(".")[0] for name in used[room]}
        assert set(rule["imports"]) <= rooms, room
        assert set(rule["libraries"]) <= libraries, room


def test_no_module_imports_itself_by_a_detour():
    """No circles among modules, imports within functions counted."""
    metrics = load_metrics()
    assert metrics.import_circles(LIBRARY) == []


def load_metrics():
    sys.path.insert(0, str(ROOT / "analysis"))
    try:
        return importlib.import_module("code_metrics")
    finally:
        sys.path.pop(0)


def test_torch_above_the_simulation_alone():
    allowed = {room for room, rule in RULES.items() if "torch" in rule["libraries"]}
    assert allowed == {"learning", "training", "watch"}


def code_lines(tree, text, first, last):
    """Lines of code between two lines, docstrings and comments left out."""
    documentation = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documentation |= set(range(node.lineno, node.end_lineno + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in documentation
        for number, line in enumerate(text.splitlines(), 1)
        if first <= number <= last
    )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    tree = tree_of(path)
    assert code_lines(tree, text, 1, len(text)) <= MAX_MODULE_LINES
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = code_lines(tree, text, node.lineno, node.end_lineno)
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_library_does_not_print_or_give_up_silently(path):
    for node in ast.walk(tree_of(path)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and room_of(path) != "cli"
        ):
            assert node.func.id != "print", f"print in line {node.lineno}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"bare except in line {node.lineno}"
            silent = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
            assert not silent, f"except: pass in line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_public_names_have_docstrings(path):
    """A method that overrides one of its base class may inherit the docstring."""
    tree = tree_of(path)
    assert ast.get_docstring(tree), name_of(path)
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        assert ast.get_docstring(node), f"{node.name} has no docstring"
        for child in getattr(node, "body", ()):
            if not isinstance(node, ast.ClassDef) or not isinstance(child, ast.FunctionDef):
                continue
            if child.name.startswith("_") or ast.get_docstring(child):
                continue
            assert is_override(child), f"{node.name}.{child.name} has no docstring"
            owner = getattr(importlib.import_module(name_of(path)), node.name)
            assert inspect.getdoc(getattr(owner, child.name)), f"{node.name}.{child.name}"


def is_override(function):
    return any(ast.unparse(item) == "override" for item in function.decorator_list)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_loose_ends(path):
    text = path.read_text(encoding="utf-8")
    for mark in ("TODO", "FIXME", "XXX", "NotImplementedError", "/work/", "/tmp/"):
        assert mark not in text, mark
    assert path.stem not in {"utils", "helpers", "constants", "base", "types", "common"}


def fresh_python(code):
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return run.stdout.strip(), run.stderr.strip()


def test_importing_the_package_loads_no_library():
    code = (
        "import sys; before = set(sys.modules); import musclehand;"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    loaded, noise = fresh_python(code)
    ours = set(ast.literal_eval(loaded)) - set(sys.stdlib_module_names)
    assert ours <= {"musclehand", "lazy_loader"}
    assert not noise


def test_importing_every_module_is_quiet_and_leaves_the_heavy_libraries_out():
    # The rooms that learn are made of torch.
    names = [name_of(path) for path in MODULES if room_of(path) not in ("learning", "training")]
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
