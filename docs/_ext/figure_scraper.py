"""Pictures of the gallery: matplotlib figures that an example holds without pyplot."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def scrape_figures(
    block: tuple[Any, ...], variables: dict[str, Any], config: dict[str, Any]
) -> str:
    """Saves the figures that appeared among an example's variables in one block of it.

    Args:
        block: kind, text and line of the block.
        variables: of sphinx-gallery for the example, with its globals and the paths of its images.
        config: of sphinx-gallery.
    """
    saved = variables.setdefault("figures_saved", [])
    pyplot = {id(plt.figure(number)) for number in plt.get_fignums()}
    paths = []
    for value in variables["example_globals"].values():
        if isinstance(value, Figure) and id(value) not in pyplot and value not in saved:
            saved.append(value)
            path = next(variables["image_path_iterator"])
            value.savefig(path, dpi=100, bbox_inches="tight")
            paths.append(path)
    return figure_rst(paths, config["src_dir"])
