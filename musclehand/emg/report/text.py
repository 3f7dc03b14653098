"""A comparison as text: the table of muscles for a terminal, and the whole of it as lines."""

from __future__ import annotations

from collections.abc import Sequence

from musclehand.emg.comparison.result import Comparison, MuscleResult

TITLE = "Simulated against recorded; surrogate, wrong: r of these nulls, 95th percentile"
"""Title of the table."""

_COLUMNS = (
    "r",
    "95 %",
    "surrogate",
    "wrong",
    "p",
    "best r",
    "lag ms",
    "CCC",
    "nRMSE",
    "kappa",
    "n_eff",
    "rank",
)


def result_table(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of all muscles, the pooled one last; "-" where there is no number."""
    kinds = list(comparison.ceilings)
    columns = ["muscle", *_COLUMNS, *(f"ceiling, {kind}" for kind in kinds)]
    results = (*comparison.muscles, comparison.pooled)
    return columns, [_cells(result, kinds) for result in results]


def as_text(comparison: Comparison) -> str:
    """Table and remarks of a comparison as plain text."""
    columns, rows = result_table(comparison)
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = [TITLE, *(_line(cells, widths) for cells in (columns, *rows))]
    return "\n".join([*lines, *(f"Note: {remark}" for remark in comparison.remarks)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Cells in columns, the first left-aligned, all others right-aligned."""
    name, *numbers = cells
    parts = [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
    return "  ".join([name.ljust(widths[0]), *parts]).rstrip()


def _cells(result: MuscleResult, ceiling_kinds: Sequence[str]) -> list[str]:
    low, high = result.interval
    nulls = [
        result.nulls[kind]["r"].high if kind in result.nulls else float("nan")
        for kind in ("surrogate", "wrong muscle")
    ]
    return [
        result.name,
        _number(result.scores["r"]),
        f"{low:.2f}..{high:.2f}" if low == low else "",
        *(_number(null) for null in nulls),
        _number(result.holm["r"], 3),
        _number(result.scores["r_best"]),
        _number(1e3 * result.lag, 0) + ("*" if result.at_edge else ""),
        *(_number(result.scores[name]) for name in ("ccc", "nrmse", "kappa")),
        _number(result.size, 0),
        f"{result.rank:.2g}/{result.candidates}",
        *(_number(result.ceilings[kind]) for kind in ceiling_kinds),
    ]


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if value == value else "-"
