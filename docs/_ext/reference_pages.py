"""Reference pages written from the code at build time, into `docs/reference/generated`.

- `api/`: the front door, and a page for each room with the names of its stub, or else with all
  public names of its modules;
- `cli.md`: every command with its own `--help`;
- `checks.md`: the checks of the validator with question, threshold and source;
- `observations.md`: the observations of the environments, block by block;
- `renamed_options.md`: a table of old options, for the page on migrating.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from sphinx.application import Sphinx

import musclehand

PACKAGE = Path(musclehand.__file__).parent
NOT_API = {"cli"}
"""Packages that are documented elsewhere."""

COMMANDS_WITH_SUBCOMMANDS = 3
"""Depth to which commands are looked for in help texts."""

API_INDEX = """# Python API

`import musclehand` offers the [front door](musclehand.md). Each room, such as `musclehand.body`,
has public names of its own. Names that are not on these pages are private.

```{{toctree}}
:hidden:

{pages}
```

| package | content |
| --- | --- |
{rows}
"""


def write_pages(app: Sphinx) -> None:
    """Writes all generated pages; files whose text stays the same are not touched."""
    folder = Path(app.srcdir) / "reference" / "generated"
    rooms = list_rooms()
    pages = {
        "cli.md": command_page(),
        "checks.md": checks_page(),
        "observations.md": observations_page(),
        "renamed_options.md": renamed_options(),
        "api/musclehand.md": front_page(),
        **{f"api/{room}.md": room_page(room) for room in rooms},
    }
    listed = "\n".join(f"{name} <{name}>" for name in ("musclehand", *rooms))
    rows = "\n".join(f"| [musclehand.{room}]({room}.md) | {summary(room)} |" for room in rooms)
    pages["api/index.md"] = API_INDEX.format(pages=listed, rows=rows)
    for path in folder.rglob("*.md"):
        if str(path.relative_to(folder)) not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def list_rooms() -> list[str]:
    """Names of the sub-packages that have a page."""
    names = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
    return [name for name in names if name not in NOT_API and not name.startswith("_")]


def summary(room: str) -> str:
    """The first sentence of a room's docstring."""
    text = inspect.getdoc(importlib.import_module(f"musclehand.{room}")) or ""
    return " ".join(text.partition("\n\n")[0].split())


def front_page() -> str:
    """What `import musclehand` offers, documented under these names."""
    lines = ["# musclehand", "", *automodule("musclehand", ":no-members:"), "", "```{eval-rst}"]
    for name in public_names("musclehand"):
        value = getattr(importlib.import_module("musclehand"), name)
        kind = "autoclass" if isinstance(value, type) else "autofunction"
        lines += [f".. {kind}:: musclehand.{name}", "   :no-index:"]
        lines += ["   :members:", ""] if kind == "autoclass" else [""]
    return "\n".join([*lines, "```", ""])


def room_page(room: str) -> str:
    """A room: the modules of its public names with these names, then its other modules."""
    package = f"musclehand.{room}"
    public = public_names(package)
    by_module: dict[str, list[str]] = {}
    for name, module in public.items():
        by_module.setdefault(module, []).append(name)
    lines = [f"# {package}", "", *automodule(package, ":no-members:")]
    inside = []
    for module in own_modules(room):
        title = module.removeprefix(f"{package}.")
        if not public:
            lines += ["", f"## {title}", "", *automodule(module, ":members:")]
        elif module in by_module:
            names = by_module[module]
            listed = ", ".join(f"`{package}.{name}`" for name in names)
            lines += ["", f"## {title}", "", f"Public as {listed}.", ""]
            lines += automodule(module, f":members: {', '.join(names)}")
        else:
            inside += ["", f"### {title}", "", *automodule(module, ":no-members:")]
    if inside:
        lines += ["", "## Internal modules", "", "Their names are private.", *inside]
    return "\n".join(lines) + "\n"


def automodule(module: str, option: str) -> list[str]:
    """The directive that documents a module, in Markdown."""
    return ["```{eval-rst}", f".. automodule:: {module}", f"   {option}", "```"]


def public_names(package: str) -> dict[str, str]:
    """The names that a package's stub imports, and the module that defines each."""
    stub = PACKAGE.joinpath(*package.split(".")[1:], "__init__.pyi")
    if not stub.is_file():
        return {}
    return {
        alias.asname or alias.name: f"{package}.{node.module}"
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def own_modules(room: str) -> list[str]:
    """All modules of a room, sub-packages with their docstrings among them."""
    names = []
    for path in sorted((PACKAGE / room).rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if len(parts) > 1 and not any(part.startswith("_") for part in parts):
            names.append(".".join(("musclehand", *parts)))
    return sorted(names)


def command_page() -> str:
    """Help texts of all commands."""
    lines = [
        "# Command line",
        "",
        "Every command answers `--help` with the text below. Exit codes: 0 done, 1 a check failed,",
        "2 the command, a file or a folder cannot be used (one line says why), 130 interrupted.",
        "",
    ]
    for words in commands((), COMMANDS_WITH_SUBCOMMANDS):
        name = " ".join(("musclehand", *words))
        lines += [f"## `{name}`", "", "```text", help_text(words), "```", ""]
    return "\n".join(lines)


def commands(words: tuple[str, ...], depth: int) -> Iterator[tuple[str, ...]]:
    """A command and its sub-commands, from their help texts."""
    yield words
    if depth:
        for name in subcommands(help_text(words)):
            yield from commands((*words, name), depth - 1)


def subcommands(text: str) -> list[str]:
    """Names of sub-commands in a help text, from its usage line."""
    usage = " ".join(text.partition("\n\n")[0].split())
    listed = re.fullmatch(r"usage: [\w -]+\[-h\] \{?([\w-]+(?:[|,][\w-]+)+)\}?", usage)
    return re.split("[|,]", listed[1]) if listed else []


def help_text(words: tuple[str, ...]) -> str:
    """What `musclehand WORDS --help` prints."""
    from musclehand.cli import main

    out = io.StringIO()
    size = mock.patch("shutil.get_terminal_size", return_value=os.terminal_size((88, 40)))
    with size, contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    cut = lines.index(" subcommands") if " subcommands" in lines else len(lines)
    return "\n".join(lines[:cut]).strip()


def checks_page() -> str:
    """All checks of the validator."""
    from musclehand.validation.suite import CHECKS

    lines = [
        "# Checks of the validator",
        "",
        f"`musclehand validate` puts a hand through {len(CHECKS)} checks. A check passes, warns,",
        "fails, or is skipped where a model lacks the parts in question.",
        "",
        "| check | question |",
        "| --- | --- |",
    ]
    lines += [
        f"| [{check.code}](#check-{check.code.lower()}) | {check.title} |" for check in CHECKS
    ]
    for check in CHECKS:
        module = check.run.__module__
        lines += [
            "",
            f"(check-{check.code.lower()})=",
            f"## {check.code} {check.title}",
            "",
            check.asks,
            "",
            f"Threshold\n: {check.threshold}",
            "",
            f"Source\n: {check.source}",
            "",
            f"Code\n: {{py:mod}}`{module}`",
        ]
    return "\n".join(lines) + "\n"


def observations_page() -> str:
    """The observations of the tracking and the piano environment."""
    from musclehand.body.anatomy import Side
    from musclehand.body.build.hand import load_hand
    from musclehand.body.hand_index import HandIndex
    from musclehand.envs.piano.observation import piano_table
    from musclehand.envs.tracking.env import TrackingConfig
    from musclehand.envs.tracking.observation import tracking_table

    hand = HandIndex.from_model(load_hand(Side.RIGHT), Side.RIGHT)
    tracking = tracking_table(hand, TrackingConfig().look_ahead)
    lines = [
        "# Observations",
        "",
        "Every observation is a row of numbers, divided by the scale of its block and limited to",
        "+-10.",
    ]
    for title, table in (("Tracking", tracking), ("Piano", piano_table(tracking))):
        lines += ["", f"## {title}", "", "| block | numbers | unit | scale | content |"]
        lines += ["| --- | --- | --- | --- | --- |"]
        lines += [
            f"| `{block.name}` | {block.size} | {block.unit} | {block.scale:g} | {block.meaning} |"
            for block in table.blocks
        ]
        lines += [f"| all | {table.size} | | | |"]
    return "\n".join(lines) + "\n"


def renamed_options() -> str:
    """Old options of the command line and the new ones."""
    from musclehand.cli.deprecated import RENAMED, RENAMED_COMMANDS

    lines = ["| command | before | now |", "| --- | --- | --- |"]
    lines += [
        f"| | `musclehand {old}` | `musclehand {new}` |" for old, new in RENAMED_COMMANDS.items()
    ]
    for command, names in RENAMED.items():
        pairs = [
            (f"{old}*" if old.endswith(".") else old, new) for old, new in names.options.items()
        ]
        pairs += [(f"--*.{old}", f"--*.{new}") for old, new in names.fields.items()]
        pairs += [
            (f"{option} {old}", f"{option} {new}") for (option, old), new in names.values.items()
        ]
        lines += [
            f"| `{command}` | `{old}` | `{new}{'*' if old.endswith('.*') else ''}` |"
            for old, new in pairs
        ]
    return "\n".join(lines) + "\n"


def setup(app: Sphinx) -> dict[str, bool]:
    """Writes the pages before sources are looked for."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
