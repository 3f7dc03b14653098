"""Changes as a text for terminals and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from musclehand.body.anatomy import Side
from musclehand.core.html_page import element, notebook_part, table
from musclehand.validation.difference.change import Change, group_changes
from musclehand.validation.text import line

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

SHOWN = 12
"""Changes of one group shown before "and more"."""

PART_WIDTH = 44
"""Width of the column of parts [characters]."""


def changes_text(
    title: str,
    changes: Sequence[Change],
    sides: Sequence[Side],
    *,
    shown: int | None = SHOWN,
    hint: str = "",
) -> Group:
    """The changes by group, or a line that there are none.

    Args:
        title: names of the two models.
        changes: in order.
        sides: the hands that were compared.
        shown: changes of a group before "and more"; None for all.
        hint: words after "and more" on how to see them.

    Returns:
        A renderable of rich.
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table as RichTable
    from rich.text import Text

    if not changes:
        return Group(line(f"{title}: no difference"))
    parts: list[RenderableType] = [line(f"{title}: {_count(changes)}")]
    for heading, members in group_changes(changes).items():
        columns = RichTable(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        columns.add_column(max_width=PART_WIDTH)
        columns.add_column()
        for change in members[:shown]:
            columns.add_row(Text(_part(change, sides)), Text(change.words))
        parts += [line(""), line(heading[0].upper() + heading[1:]), Padding(columns, (0, 0, 0, 2))]
        if shown is not None and len(members) > shown:
            parts.append(line(f"  and {len(members) - shown} more{hint}"))
    return Group(*parts)


def changes_html(
    title: str, changes: Sequence[Change], sides: Sequence[Side], *, shown: int | None = SHOWN
) -> str:
    """The changes by group, as HTML for a notebook.

    Args:
        title: names of the two models.
        changes: in order.
        sides: the hands that were compared.
        shown: changes of a group that are not folded away; None for all.
    """
    heading = f"{title}: {_count(changes) if changes else 'no difference'}"
    parts = [element("p", element("b", heading))]
    for group, members in group_changes(changes).items():
        rows = [(_part(change, sides), change.words) for change in members]
        parts += [element("h3", group[0].upper() + group[1:]), table([], rows[:shown])]
        folded = [] if shown is None else rows[shown:]
        if folded:
            summary = element("summary", f"{len(folded)} more")
            parts.append(element("details", summary, table([], folded)))
    return notebook_part(parts)


def _count(changes: Sequence[Change]) -> str:
    return f"{len(changes)} change{'s' if len(changes) > 1 else ''}"


def _part(change: Change, sides: Sequence[Side]) -> str:
    """The part that changed, with the hand where two were compared and one changed."""
    one_sided = len(sides) > 1 and len(change.sides) == 1 and change.group != "hands"
    return f"{change.part} ({change.sides[0].name.lower()})" if one_sided else change.part
