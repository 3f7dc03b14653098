"""The table of a comparison as plain text."""

from musclehand.emg.comparison.compare import compare_envelopes
from musclehand.emg.report.text import as_text, result_table
from support.synthetic_comparison import QUICK, recorded_and_simulated


def test_every_muscle_has_a_line_in_columns_of_one_width():
    recorded, simulated, events = recorded_and_simulated(0)
    repeats = {"same person": [(recorded, events)]}
    comparison = compare_envelopes(simulated, recorded, events, QUICK, repeats)
    columns, rows = result_table(comparison)
    assert columns[-1] == "ceiling, same person"
    assert [row[0] for row in rows] == [*simulated.names, "all"]
    assert {len(row) for row in rows} == {len(columns)}
    assert rows[0][1] == f"{comparison.muscles[0].scores['r']:.2f}"
    _, heads, *lines = as_text(comparison).splitlines()
    assert all(len(line) == len(heads) for line in lines[: len(rows)])
    assert all(line.startswith("Note: ") for line in lines[len(rows) :])
