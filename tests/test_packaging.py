"""What is in the tree is in the package: packages, data files, and the wheel itself."""

import ast
import configparser
import re
import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import musclehand
from support.paths import ROOT

DATA = [
    *(path for path in (ROOT / "models").rglob("*") if path.suffix not in (".py", ".pyc")),
    *(ROOT / "musclehand" / "music" / "repertoire").glob("*.txt"),
    ROOT / "musclehand" / "py.typed",
]
DATA_FILES = sorted(path for path in DATA if path.is_file())


@pytest.fixture(scope="module")
def config():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def packages_in(folder, name):
    return {
        ".".join((name, *path.parent.relative_to(folder).parts))
        for path in folder.rglob("__init__.py")
    }


def test_every_package_is_listed(config):
    listed = set(config["options"]["packages"].split())
    found = packages_in(ROOT / "musclehand", "musclehand") | packages_in(
        ROOT / "models", "musclehand.models"
    )
    assert listed == found


def test_every_folder_of_python_files_is_a_package():
    for path in (ROOT / "musclehand").rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path.parent


@pytest.mark.parametrize("path", DATA_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_data_file_is_covered_by_a_pattern(config, path):
    parts = path.relative_to(ROOT).parent.parts
    package = ".".join(parts if parts[0] == "musclehand" else ("musclehand", *parts))
    patterns = config["options.package_data"].get(package, "").split()
    assert any(fnmatch(path.name, pattern) for pattern in patterns), (
        f"no pattern of {package} covers {path.name}"
    )


def test_sources_are_there():
    for table in ("hand", "piano"):
        assert (ROOT / "models" / table / "SOURCES.md").stat().st_size > 500


def test_version_is_said_once(config):
    assert config["metadata"]["version"] == "attr: musclehand.__version__"
    assert f"[{musclehand.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_licence_and_notice_travel(config):
    for name in config["metadata"]["license_files"].split(","):
        assert (ROOT / name.strip()).stat().st_size > 500


def names_of(rows):
    """Distributions named in a requirement list of setup.cfg."""
    names = [re.split(r"[<>=!~;\[ ]", row.strip())[0] for row in rows.splitlines()]
    return {normal(name) for name in names if name}


def normal(name):
    """A distribution's name as package indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_constraints_give_a_tested_version_of_all_that_is_installed(config):
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = {normal(line.split("==")[0]) for line in text.splitlines() if "==" in line}
    extras = config["options.extras_require"]
    required = names_of(config["options"]["install_requires"])
    for extra in ("test", "dev", "docs"):
        required |= names_of(extras[extra])
    assert required <= pinned


def test_metadata_are_fit_for_a_package_index(config):
    metadata = config["metadata"]
    assert metadata["author"] == "musclehand developers"
    assert len(metadata["description"]) <= 120
    assert len(metadata["keywords"].split(",")) >= 8
    classifiers = metadata["classifiers"].strip().splitlines()
    assert classifiers == sorted(set(classifiers))
    oldest = config["options"]["python_requires"].removeprefix(">=")
    assert f"Programming Language :: Python :: {oldest}" in classifiers
    assert not {"url", "project_urls"} & set(metadata), "addresses are the owner's to choose"


def test_the_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {musclehand.__version__}\n" in text
    assert "musclehand developers" in text


def test_what_the_library_imports_is_installed_with_it(config):
    """Imports inside functions too; what an extra brings may only be imported there."""
    required = names_of(config["options"]["install_requires"])
    extras = config["options.extras_require"]
    names = ("soundfont", "view", "corpus", "zarr", "emg", "spm", "gpu", "train", "ray")
    names += ("watch", "transcribe")
    optional = set().union(*(names_of(extras[name]) for name in names))
    absent = {
        "fluidsynth": ["pyfluidsynth"],
        **{"ai_edge_litert": ["ai-edge-litert"], "transkun": ["transkun"]},
        **{"mujoco_warp": ["mujoco-warp"], "warp": ["warp-lang"], "rsl_rl": ["rsl-rl-lib"]},
        **{
            name: [name]
            for name in (
                "gymnasium",
                "tensordict",
                "safetensors",
                "viser",
                "music21",
                "zarr",
                "neo",
                "pyedflib",
                "pyxdf",
                "openpyxl",
                "spm1d",
                "ray",
            )
        },
    }
    distributions = packages_distributions() | absent
    for path in (ROOT / "musclehand").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            for module in (
                {module.split(".")[0] for module in modules}
                - sys.stdlib_module_names
                - {"musclehand"}
            ):
                sources = {normal(name) for name in distributions[module]}
                assert sources & (required | optional), (
                    f"{path} imports {module}, which setup.cfg does not install"
                )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of the tree, so that nothing left over from earlier builds is in it."""
    source = tmp_path_factory.mktemp("source")
    out = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("musclehand", "models"):
        shutil.copytree(ROOT / folder, source / folder, ignore=ignored)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(out),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (path,) = out.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_the_wheel_holds_packages_and_data(wheel):
    names = set(wheel.namelist())
    expected = {str(path.relative_to(ROOT)) for path in (ROOT / "musclehand").rglob("*.py")}
    for path in DATA_FILES:
        inside = path.relative_to(ROOT)
        expected.add(str(inside if inside.parts[0] == "musclehand" else Path("musclehand", inside)))
    assert expected <= names
    assert not [
        name for name in names if name.startswith(("tests/", "experiments/", "models/", "data/"))
    ]


def test_the_wheel_has_the_command_and_the_licences(wheel):
    names = wheel.namelist()
    assert any(name.endswith("/NOTICE") for name in names)
    assert any(name.endswith("/LICENSE") for name in names)
    (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
    assert "musclehand = musclehand.cli:main" in wheel.read(entry_points).decode()
