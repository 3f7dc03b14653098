"""Reference pages written from the code at build time, into `docs/reference/generated`.

- `api/`: a page for each public sub-package, with what its `__all__` names, or else with all
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

`import musclehand` offers the front door. Everything else is in sub-packages, from the music to the
learned policies. Names that are not on these pages are private.

```{{toctree}}
:maxdepth: 1

{pages}
```
"""


def write_pages(app: Sphinx) -> None:
    """Writes all generated pages; files whose text stays the same are not touched."""
    folder = Path(app.srcdir) / "reference" / "generated"
    pages = {
        "cli.md": command_page(),
        "checks.md": checks_page(),
        "observations.md": observations_page(),
        "renamed_options.md": renamed_options(),
    }
    names = public_packages()
    listed = "\n".join(f"{name or 'musclehand'} <{name or 'musclehand'}>" for name in names)
    pages["api/index.md"] = API_INDEX.format(pages=listed)
    for name in names:
        pages[f"api/{name or 'musclehand'}.md"] = api_page(name)
    for path in folder.rglob("*.md"):
        if str(path.relative_to(folder)) not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def public_packages() -> list[str]:
    """Names below `musclehand` of the packages with a page; "" is the front door."""
    names = [""]
    for path in sorted(PACKAGE.rglob("__init__.py")):
        parts = path.parent.relative_to(PACKAGE).parts
        if parts and parts[0] not in NOT_API and not any(part.startswith("_") for part in parts):
            name = ".".join(parts)
            if exported(name) or any(own_modules(name)):
                names.append(name)
    return names


def exported(name: str) -> list[str]:
    """The names in a package's `__all__`, without private ones and sub-packages."""
    package = importlib.import_module(full_name(name))
    return [
        member
        for member in getattr(package, "__all__", ())
        if not member.startswith("_") and not inspect_module(package, member)
    ]


def inspect_module(package: object, member: str) -> bool:
    """Whether a member of a package is a module."""
    return type(getattr(package, member)).__name__ == "module"


def own_modules(name: str) -> Iterator[str]:
    """Modules of one package, without those of its sub-packages."""
    folder = PACKAGE.joinpath(*name.split(".")) if name else PACKAGE
    for path in sorted(folder.glob("*.py")):
        if not path.stem.startswith("_"):
            yield f"{full_name(name)}.{path.stem}"


def full_name(name: str) -> str:
    """The importable name of a package."""
    return f"musclehand.{name}" if name else "musclehand"


def api_page(name: str) -> str:
    """The page of one package."""
    package = full_name(name)
    lines = [f"# {package}", "", "```{eval-rst}", f".. automodule:: {package}", "   :no-members:"]
    lines += ["```"]
    names = exported(name)
    if names:
        lines += ["", "```{eval-rst}", *(directive(package, member) for member in names), "```"]
    elif name:
        for module in own_modules(name):
            lines += ["", f"## {module.rpartition('.')[2]}", "", "```{eval-rst}"]
            lines += [f".. automodule:: {module}", "   :members:", "```"]
    return "\n".join(lines) + "\n"


def directive(package: str, member: str) -> str:
    """The autodoc directive of an exported object, by its kind.

    Data are documented under the module that defines them, where their docstrings are. A function
    with the name of a sub-package, such as `musclehand.validate`, is left out of the index.
    """
    value = getattr(importlib.import_module(package), member)
    path = f"{package}.{member}"
    options = []
    if isinstance(value, type):
        kind = "autoclass"
        options.append(":members:")
    elif callable(value):
        kind = "autofunction"
    else:
        kind = "autodata"
        path = f"{origins(package).get(member, package)}.{member}"
    if PACKAGE.joinpath(*f"{package}.{member}".split(".")[1:]).is_dir():
        options.append(":no-index:")
    return "\n   ".join((f".. {kind}:: {path}", *options)) + "\n"


def origins(package: str) -> dict[str, str]:
    """The module of each name that a package's stub imports."""
    stub = PACKAGE.joinpath(*package.split(".")[1:], "__init__.pyi")
    if not stub.is_file():
        return {}
    return {
        alias.name: f"{package}.{node.module}"
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


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
    from musclehand.cli.main import main

    out = io.StringIO()
    size = mock.patch("shutil.get_terminal_size", return_value=os.terminal_size((88, 40)))
    with size, contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    cut = lines.index(" subcommands") if " subcommands" in lines else len(lines)
    return "\n".join(lines[:cut]).strip()


def checks_page() -> str:
    """All checks of the validator."""
    from musclehand.validate.suite import CHECKS

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
