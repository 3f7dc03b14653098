"""How readable is the source, in numbers: names, documentation, shape. One table on the terminal.

    python analysis/code_metrics.py
    python analysis/code_metrics.py ../other_checkout

Counts the library alone, but for the README and the copies of "write, then rename", which are
counted over the whole checkout. Nothing of the checkout is run, except `import musclehand`, timed
in a fresh interpreter.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FUNCTION_WORDS = frozenset(
    [
        "told",
        "found",
        "one",
        "two",
        "other",
        "others",
        "each",
        "seen",
        "mine",
        "theirs",
        "there",
        "here",
        "off",
        "known",
        "whole",
        "some",
        "rest",
        "way",
        "off",
        "made",
        "given",
        "wanted",
        "asked",
        "said",
        "now",
        "then",
        "more",
        "less",
        "it",
        "this",
        "that",
        "both",
        "all",
        "any",
        "same",
        "what",
        "who",
        "which",
        "own",
        "next",
        "last",
        "first",
    ]
) - frozenset(["all", "any", "next", "first", "last", "own", "same", "now"])
"""Identifiers that say nothing of what they hold."""

WIDTH = 100
"""Columns that a line may have."""

RENAMES = re.compile(r"os\.replace\(|\.replace\(path\)|\.rename\(")


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """All functions and methods of a module."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def parameters(function: ast.FunctionDef) -> list[str]:
    """Names of the parameters, `self` and `cls` left out."""
    args = function.args
    names = [a.arg for a in [*args.posonlyargs, *args.args, *args.kwonlyargs]]
    return [name for name in names if name not in ("self", "cls")]


def documented_arguments(tree: ast.Module) -> tuple[int, int]:
    """Public functions of three parameters or more: with an Args section, and all."""
    count = total = 0
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef):
            continue
        if isinstance(node, ast.ClassDef) and node.name.startswith("_"):
            continue
        for child in node.body:
            if not isinstance(child, ast.FunctionDef):
                continue
            if child.name.startswith("_") and child.name != "__init__":
                continue
            if len(parameters(child)) < 3 or inherits_docstring(child):
                continue
            total += 1
            count += "Args:" in (ast.get_docstring(child) or "")
    return count, total


def inherits_docstring(function: ast.FunctionDef) -> bool:
    """Whether a method overrides one of its base class, whose docstring it has."""
    overrides = any(ast.unparse(item) == "override" for item in function.decorator_list)
    return overrides and ast.get_docstring(function) is None


def records(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """For each record (dataclass, NamedTuple): fields with a docstring of their own, fields."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        decorators = " ".join(ast.unparse(item) for item in node.decorator_list)
        bases = " ".join(ast.unparse(item) for item in node.bases)
        if "dataclass" not in decorators and "NamedTuple" not in bases:
            continue
        fields = documented = 0
        for item, after in zip(node.body, [*node.body[1:], None], strict=True):
            if not isinstance(item, ast.AnnAssign):
                continue
            fields += 1
            documented += isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if fields:
            yield documented, fields


def function_word_names(tree: ast.Module) -> int:
    """Times that a name which is only a function word is bound or used."""
    count = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            count += node.id in FUNCTION_WORDS
        elif isinstance(node, ast.arg):
            count += node.arg in FUNCTION_WORDS
    return count


def packed_assignments(tree: ast.Module) -> tuple[int, int]:
    """Assignments `a, b = x, y`, and all assignments."""
    packed = total = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            total += 1
            target = node.targets[0]
            packed += isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
    return packed, total


def longest_call(tree: ast.Module) -> int:
    """Most positional arguments in one call; a starred one counts as one."""
    return max((len(node.args) for node in ast.walk(tree) if isinstance(node, ast.Call)), default=0)


def module_name(path: Path, library: Path) -> str:
    """Dotted name of a file."""
    parts = path.relative_to(library.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_circles(library: Path) -> list[list[str]]:
    """Modules that import each other, imports inside functions counted."""
    paths = {module_name(path, library): path for path in library.rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        targets = graph.setdefault(name, set())
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                targets.add(node.module)
                targets.update(f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Import):
                targets.update(alias.name for alias in node.names)
        # The front door's names are loaded when somebody asks for them.
        targets &= set(paths) - {name, "musclehand"}
    return [sorted(part) for part in strongly_connected(graph) if len(part) > 1]


def strongly_connected(graph: dict[str, set[str]]) -> list[set[str]]:
    """Tarjan's components of a graph."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    parts: list[set[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for target in graph[node]:
            if target not in number:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], number[target])
        if low[node] == number[node]:
            cut = stack.index(node)
            parts.append(set(stack[cut:]))
            del stack[cut:]

    sys.setrecursionlimit(10_000)
    for node in graph:
        if node not in number:
            visit(node)
    return parts


def import_rules(root: Path) -> tuple[int, int]:
    """Rows of the import rules, and rows that allow everything."""
    rules = root / "tests" / "import_rules.toml"
    if rules.exists():
        rows = re.findall(r"^imports = (.*)$", rules.read_text(encoding="utf-8"), re.MULTILINE)
        return len(rows), sum('"everything"' in row for row in rows)
    parts = (root / "README.md").read_text(encoding="utf-8").split("<!-- import table -->")
    rows = parts[1].strip().splitlines()[2:] if len(parts) > 1 else []
    return len(rows), sum("everything" in row for row in rows)


def import_time(root: Path) -> float:
    """Seconds that `import musclehand` takes in a fresh interpreter, the best of five."""
    code = (
        "import sys, time; before = time.perf_counter(); import musclehand;"
        "print(time.perf_counter() - before)"
    )
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, cwd=root, capture_output=True, check=True) for _ in range(5)]
    return min(float(run.stdout) for run in runs)


def public_names(root: Path) -> int:
    """Names that `import musclehand` offers: those of its stub, or of `__all__`."""
    stub = root / "musclehand" / "__init__.pyi"
    if stub.exists():
        imports = [node for node in parse(stub).body if isinstance(node, ast.ImportFrom)]
        return sum(len(node.names) for node in imports)
    for node in parse(root / "musclehand" / "__init__.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return len(getattr(node.value, "elts", ()))
    return 0


def metrics(root: Path) -> dict[str, str]:
    """All numbers of a checkout, as they are printed."""
    library = root / "musclehand"
    paths = sorted(library.rglob("*.py"))
    trees = [parse(path) for path in paths]
    texts = [path.read_text(encoding="utf-8").splitlines() for path in paths]
    lines = sum(map(len, texts))
    long_lines = sum(len(line) > WIDTH for text in texts for line in text)
    arguments = [documented_arguments(tree) for tree in trees]
    fields = [pair for tree in trees for pair in records(tree)]
    packed = [packed_assignments(tree) for tree in trees]
    docstrings = [
        ast.get_docstring(node) or ""
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module)
    ]
    copies = [
        path
        for folder in ("musclehand", "experiments", "analysis")
        for path in sorted((root / folder).rglob("*.py"))
        if path.name != "code_metrics.py" and RENAMES.search(path.read_text(encoding="utf-8"))
    ]
    rules, everything = import_rules(root)
    rate = 1000 * sum(map(function_word_names, trees)) / lines
    return {
        "modules": str(len(paths)),
        "lines": str(lines),
        "modules at the root": str(sum(path.parent == library for path in paths)),
        "import rules; that say everything": f"{rules}; {everything}",
        "import circles": str(len(import_circles(library))),
        "names of the front door": str(public_names(root)),
        "time of import musclehand [s]": f"{import_time(root):.4f}",
        "README lines": str(len((root / "README.md").read_text("utf-8").splitlines())),
        "records documented by field": f"{sum(a == b for a, b in fields)} of {len(fields)}",
        "records of more than four fields documented by field": (
            f"{sum(a == b for a, b in fields if b > 4)} of {sum(b > 4 for _, b in fields)}"
        ),
        "Args sections where there are three parameters or more": (
            f"{sum(a for a, _ in arguments)} of {sum(b for _, b in arguments)}"
        ),
        'docstrings "As `X`."': str(
            sum(bool(re.match(r"As (for )?`[^`]+`\.?$", text)) for text in docstrings)
        ),
        "names that are function words, per 1,000 lines": f"{rate:.1f}",
        "packed assignments": (
            f"{100 * sum(a for a, _ in packed) / sum(b for _, b in packed):.1f} %"
        ),
        f"lines over {WIDTH} columns": f"{100 * long_lines / lines:.1f} %",
        "longest positional call": str(max(map(longest_call, trees))),
        "files that write, then rename": str(len(copies)),
    }


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("checkout", type=Path, nargs="?", default=Path(__file__).parents[1])
    values = metrics(parser.parse_args().checkout.resolve())
    width = max(map(len, values))
    for name, value in values.items():
        print(f"{name:{width}}  {value}")


if __name__ == "__main__":
    main()
