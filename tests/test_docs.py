"""The documentation: commands that parse, code that compiles, numbers that are measured, and a site
without a loose page."""

import ast
import importlib.util
import re
import subprocess
import sys
from contextlib import redirect_stderr
from io import StringIO

import pytest
import tyro

from musclehand.cli.commands import COMMANDS
from support.documents import DOCS, code_blocks, commands, documents, relative_links
from support.paths import ROOT

RESULTS = DOCS / "results"
PAGES = sorted(path for path in RESULTS.glob("*.md") if path.stem != "index")


def load(name):
    """A module of the site's extensions."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


results_pages = load("results_pages")


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def parse(words):
    """Parses the words after `musclehand`, and does nothing."""
    if words[0] in ("--version", "-V") or "--help" in words:
        return
    if words[0] == "train":
        from musclehand.cli import train_commands

        train_commands.load_configs()
        parser = train_commands.COMMANDS[words[1]][0]
        tyro.cli(parser, args=words[2:], config=(tyro.conf.FlagCreatePairsOff,))
        return
    tyro.extras.subcommand_cli_from_dict(
        {name: arguments for name, (arguments, _) in COMMANDS.items()},
        args=words,
        config=(tyro.conf.FlagCreatePairsOff,),
    )


@pytest.mark.parametrize("path", documents(), ids=names(documents()))
def test_every_command_parses(path):
    for words in commands(path.read_text(encoding="utf-8"), "musclehand"):
        complaint = StringIO()
        try:
            with redirect_stderr(complaint):
                parse([word.replace("$take", "0") for word in words])
        except SystemExit:
            pytest.fail(f"musclehand {' '.join(words)}\n{complaint.getvalue()}")


@pytest.mark.parametrize("path", documents(), ids=names(documents()))
def test_python_blocks_compile_and_import_what_is_there(path):
    for block in code_blocks(path.read_text(encoding="utf-8"), "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("musclehand"):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module}.{alias.name}"


@pytest.mark.parametrize("path", documents(), ids=names(documents()))
def test_relative_links_hold(path):
    folder = RESULTS if path.parent.name == "notes" else path.parent
    broken = [
        link
        for link in relative_links(path)
        if not (folder / link).exists() and not {"generated", "gallery"} & set(link.split("/"))
    ]
    assert broken == []


@pytest.mark.parametrize("path", documents(), ids=names(documents()))
def test_every_number_of_a_result_has_an_address(path):
    for address in re.findall(r"\{result\}`([^`]+)`", path.read_text(encoding="utf-8")):
        results_pages.read_result(address)


def test_short_names_of_results_have_addresses():
    for name in results_pages.headlines():
        assert results_pages.read_result(name)


@pytest.mark.parametrize("path", PAGES, ids=names(PAGES))
def test_every_results_page_has_a_title_and_a_command_that_is_there(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert results_pages.page_title(text)
    words = results_pages.page_command(text).split()
    if words[0] == "python":
        assert (ROOT / words[1]).is_file(), words[1]
    else:
        assert words[0] == "musclehand"
        assert words[1] in COMMANDS


def test_every_results_page_is_listed_and_every_note_has_a_page():
    listed = (RESULTS / "index.md").read_text(encoding="utf-8").split()
    assert {path.stem for path in PAGES} <= set(listed)
    assert {path.stem for path in (RESULTS / "notes").glob("*.md")} <= {path.stem for path in PAGES}


def test_the_new_names_of_the_page_on_migrating_are_there():
    """Modules, and functions and classes in them, by their source."""
    text = (DOCS / "about" / "migrating.md").read_text(encoding="utf-8")
    for section in ("Modules", "Functions and classes"):
        rows = text.split(f"## {section}\n")[1].split("\n## ")[0]
        for name in re.findall(r"\| `([\w.]+)` \|$", rows, flags=re.MULTILINE):
            module, _, member = name.rpartition(".")
            if section == "Modules":
                assert source(name), name
            else:
                assert re.search(rf"^(class|def) {member}\b", source(module), re.MULTILINE), name


def source(module):
    """The text of a module or package of the library, empty where there is none."""
    path = ROOT.joinpath("musclehand", *module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate.read_text(encoding="utf-8")
    return ""


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    """Into a folder of its own; pages that the build writes stay beside their sources."""
    for extension in ("furo", "myst_parser", "sphinx_copybutton", "sphinx_design"):
        pytest.importorskip(extension)
    pytest.importorskip("sphinx_gallery")
    words = ["-m", "sphinx", "-W", "--keep-going", "-d", str(tmp_path / "trees"), str(DOCS)]
    process = subprocess.run(
        [sys.executable, *words, str(tmp_path / "html")],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    for page in ("index", "gallery/index", "reference/generated/api/musclehand"):
        assert (tmp_path / "html" / f"{page}.html").stat().st_size > 1000, page


def test_a_result_that_is_not_there_is_refused():
    for address in (
        "nowhere",
        "repertoire / no piece / onset F1 50 ms",
        "repertoire / arabesque / x",
    ):
        with pytest.raises(KeyError):
            results_pages.read_result(address)


def test_the_first_word_of_a_cell_is_read(tmp_path):
    (tmp_path / "page.md").write_text("| a | b |\n| --- | --- |\n| x | 0.1 (-0.9) |\n")
    assert results_pages.read_result("page / x / b", tmp_path) == "0.1 (-0.9)"
    assert results_pages.read_result("page / x / b [first]", tmp_path) == "0.1"


def test_tables_are_read_cell_by_cell():
    text = "a\n\n| x | y |\n| --- | --- |\n| **one** | `2` |\n\n| z |\n|---|\n| 3 |\n"
    assert list(results_pages.tables(text)) == [[["x", "y"], ["one", "2"]], [["z"], ["3"]]]
