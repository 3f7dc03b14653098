"""Configuration of the documentation site.

    pip install -c constraints.txt -e ".[docs]"
    sphinx-build -W docs docs/_build/html

The build fetches nothing from the network. Pages below `reference/generated` and `gallery` are
written by the build itself.
"""

import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("COLUMNS", "88")
os.environ["NO_COLOR"] = "1"
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import gymnasium  # noqa: F401  before musclehand, which then registers its environments

import musclehand

project = "musclehand"
author = "musclehand developers"
copyright = "2026, musclehand developers"
version = release = musclehand.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "docstrings",
    "reference_pages",
    "result_numbers",
]
exclude_patterns = ["_build", "results/notes", "gallery/*.ipynb", "gallery/*.zip"]
# Short names in annotations and docstrings may be those of several classes, or of none.
suppress_warnings = ["config.cache", "ref.python"]
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"[\s\S]*")]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_mock_imports = [
    "fluidsynth",
    "music21",
    "mujoco_warp",
    "neo",
    "openpyxl",
    "pyedflib",
    "pyxdf",
    "ray",
    "rsl_rl",
    "spm1d",
    "tensordict",
    "viser",
    "warp",
    "zarr",
]
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
toc_object_entries = False  # the navigation of every page would hold every object
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False
napoleon_use_ivar = True
default_role = "py:obj"

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")
sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "image_scrapers": ("figure_scraper.scrape_figures", "matplotlib"),
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "default_thumb_file": str(Path(__file__).parent / "hands.png"),
    "download_all_examples": False,
    "copyfile_regex": r".*GALLERY_HEADER\.rst",
    "min_reported_time": 1,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "furo"
html_title = "musclehand"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
