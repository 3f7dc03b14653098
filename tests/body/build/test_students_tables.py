"""Slips in a copy of the tables: each is refused with one line that names file, place and cause, or
does no harm."""

import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.build.tables import load_tables
from musclehand.core.errors import ModelError
from support.table_edits import (
    line_of,
    table_text,
    with_cell,
    with_copy,
    without_column,
    without_line,
    write_tables,
)

MUSCLES, PATHS, JOINTS, SEGMENTS, WRAPS = (
    table_text(f"{name}.csv") for name in ("muscles", "paths", "joints", "segments", "wraps")
)
HEADER = JOINTS.splitlines()[0]
FDP2 = f"line {line_of(MUSCLES, 'FDP2,')}"
MCP2 = f"line {line_of(JOINTS, 'mcp2_flexion,')}"
LAST = next(
    line for line in PATHS.splitlines(keepends=True) if line.startswith("EDC2,joint_site,EDC2_m2b,")
)
SITE = "FDP2,joint_site,FDP2_m0a,"

REFUSED = {
    # units
    "a decimal comma in quotes": (
        {"muscles": with_cell(MUSCLES, "FDP2,", "f0_N", '"197,3"')},
        ("muscles.csv", FDP2, "f0_N is '197,3'", "a decimal point"),
    ),
    "a decimal comma without quotes": (
        {"muscles": with_cell(MUSCLES, "FDP2,", "f0_N", "197,3")},
        ("muscles.csv", FDP2, "does not have 7 columns but 8", "decimal comma"),
    ),
    "the unit in the cell": (
        {"muscles": with_cell(MUSCLES, "FDP2,", "f0_N", "197.3 N")},
        ("muscles.csv", FDP2, "f0_N is '197.3 N'", "without its unit"),
    ),
    "degrees with their sign": (
        {"joints": with_cell(JOINTS, "mcp2_flexion,", "upper_deg", "90°")},
        ("joints.csv", MCP2, "upper_deg is '90°'", "without its unit"),
    ),
    "a fibre in metres": (
        {"muscles": with_cell(MUSCLES, "FDP2,", "l0_mm", "0.0749")},
        ("muscles.csv", FDP2, "l0_mm is '0.0749'", "at least 1"),
    ),
    "a range in minutes": (
        {"joints": with_cell(JOINTS, "mcp2_flexion,", "upper_deg", "5400")},
        ("joints.csv", MCP2, "upper_deg is '5400'", "at most 180"),
    ),
    "a pennation in per cent of a turn": (
        {"muscles": with_cell(MUSCLES, "FDP2,", "pennation_deg", "360")},
        ("muscles.csv", FDP2, "pennation_deg is '360'", "at most 80"),
    ),
    # numbers
    "not a number": (
        {"muscles": with_cell(MUSCLES, "FDP2,", "f0_N", "NaN")},
        ("muscles.csv", FDP2, "f0_N is 'NaN'", "a finite number of at least 0.1"),
    ),
    "infinite": (
        {"joints": with_cell(JOINTS, "mcp2_flexion,", "lower_deg", "-inf")},
        ("joints.csv", MCP2, "lower_deg is '-inf'", "a finite number"),
    ),
    "an empty cell": (
        {"muscles": with_cell(MUSCLES, "FDP2,", "l0_mm", "")},
        ("muscles.csv", FDP2, "l0_mm is ''", "a number"),
    ),
    "a force below 0": (
        {"muscles": with_cell(MUSCLES, "FDP2,", "f0_N", "-197.3")},
        ("muscles.csv", FDP2, "f0_N is '-197.3'", "at least 0.1"),
    ),
    "a damping below 0": (
        {"joints": with_cell(JOINTS, "mcp2_flexion,", "damping", "-0.02")},
        ("joints.csv", MCP2, "damping is '-0.02'", "at least 0"),
    ),
    "a segment without mass": (
        {"segments": with_cell(SEGMENTS, "distph2,", "mass_kg", "0")},
        ("segments.csv", "mass_kg is '0'", "at least 1e-06"),
    ),
    "the ends of a range exchanged": (
        {
            "joints": with_cell(
                with_cell(JOINTS, "mcp2_flexion,", "upper_deg", "-35"),
                *("mcp2_flexion,", "lower_deg", "90"),
            )
        },
        ("joints.csv", MCP2, "upper_deg is '-35'", "above lower_deg, which is 90"),
    ),
    # files
    "semicolons": (
        {"joints": JOINTS.replace(",", ";")},
        ("joints.csv", "separated by semicolons", "commas"),
    ),
    "tabs": (
        {"joints": JOINTS.replace(",", "\t")},
        ("joints.csv", "separated by tabs", "commas"),
    ),
    "a table missing": ({"wraps": None}, ("wraps.csv", "cannot be read", "No such file")),
    "an empty table": ({"wraps": ""}, ("wraps.csv", "no lines")),
    "only the names of the columns": (
        {"wraps": WRAPS.splitlines()[0]},
        ("wraps.csv", "no lines below"),
    ),
    "another character set": (
        {"muscles": MUSCLES.replace("extensor", "Strécker", 1).encode("latin-1")},
        ("muscles.csv", "is not UTF-8"),
    ),
    "a workbook with the wrong suffix": (
        {"muscles": b"PK\x03\x04\x14\x00\x06\x00\xff\xfe\x00"},
        ("muscles.csv", "is not UTF-8"),
    ),
    # columns
    "a column missing": (
        {"joints": without_column(JOINTS, "damping")},
        ("joints.csv", "column 'damping' is missing", "lower_deg"),
    ),
    "a column misspelt": (
        {"joints": JOINTS.replace("damping", "dampening", 1)},
        ("joints.csv", "column 'damping' is missing", "dampening"),
    ),
    "a column twice": (
        {"joints": JOINTS.replace("damping", "lower_deg", 1)},
        ("joints.csv", "column 'lower_deg' is there twice"),
    ),
    "the names of the columns in the middle": (
        {"joints": JOINTS.replace("mcp2_flexion,", f"{HEADER}\nmcp2_flexion,", 1)},
        ("joints.csv", MCP2, "repeats the names of the columns"),
    ),
    "a line cut off": (
        {"muscles": MUSCLES.replace("FDP2,", "FDP2\nFDP2,", 1)},
        ("muscles.csv", FDP2, "does not have 7 columns but 1"),
    ),
    # names
    "a joint misspelt": (
        {"joints": with_cell(JOINTS, "mcp2_flexion,", "joint", "mcp2_flexoin")},
        ("joints.csv", MCP2, "unknown joint 'mcp2_flexoin'", "did you mean: mcp2_flexion"),
    ),
    "a joint with the suffix of a side": (
        {"joints": with_cell(JOINTS, "mcp2_flexion,", "joint", "mcp2_flexion_r")},
        ("joints.csv", MCP2, "unknown joint 'mcp2_flexion_r'", "did you mean: mcp2_flexion"),
    ),
    "a muscle misspelt in the paths": (
        {"paths": with_cell(PATHS, SITE, "muscle", "FPD2")},
        ("paths.csv", "unknown muscle 'FPD2'", "FDP2"),
    ),
    "a muscle in small letters": (
        {"muscles": with_cell(MUSCLES, "FDP2,", "muscle", "fdp2")},
        ("paths.csv", "unknown muscle 'FDP2'"),
    ),
    "a wrap misspelt": (
        {"paths": PATHS.replace("EDC2,wrap,hoodcyl2", "EDC2,wrap,hoodcyll2", 1)},
        ("paths.csv", "unknown wrap 'hoodcyll2'", "hoodcyl2"),
    ),
    "a joint of a point misspelt": (
        {"paths": with_cell(PATHS, SITE, "body", "mpc2")},
        ("paths.csv", "unknown joint 'mpc2'", "mcp2"),
    ),
    "a kind misspelt": (
        {"paths": with_cell(PATHS, SITE, "kind", "joint site")},
        ("paths.csv", "kind is 'joint site'", "joint_site"),
    ),
    "a layer misspelt": (
        {"segments": with_cell(SEGMENTS, "distph2,", "layer", "finger")},
        ("segments.csv", "layer is 'finger'", "digit, palm, arm"),
    ),
    # missing and extra parts
    "a muscle twice": (
        {"muscles": with_copy(MUSCLES, "FDP2,")},
        ("muscles.csv", "muscle is 'FDP2', as in " + FDP2),
    ),
    "a joint twice": (
        {"joints": with_copy(JOINTS, "mcp2_flexion,")},
        ("joints.csv", "joint is 'mcp2_flexion', as in " + MCP2),
    ),
    "a segment twice": (
        {"segments": with_copy(SEGMENTS, "distph2,")},
        ("segments.csv", "body is 'distph2', as in line"),
    ),
    "a wrap twice": (
        {"wraps": with_copy(WRAPS, "hoodcyl2,")},
        ("wraps.csv", "name is 'hoodcyl2', as in line"),
    ),
    "a point twice": (
        {"paths": with_copy(PATHS, SITE)},
        ("paths.csv", "FDP2 goes through FDP2_m0a twice"),
    ),
    "a point at the end of the table": (
        {"paths": without_line(with_copy(PATHS, SITE, at_end=True), SITE)},
        ("paths.csv", "the rows of FDP2 do not follow each other"),
    ),
    "a joint removed": (
        {"joints": without_line(JOINTS, "mcp2_flexion,")},
        ("joints.csv", "has no row for mcp2_flexion"),
    ),
    "a muscle removed from one table": (
        {"muscles": without_line(MUSCLES, "FDP2,")},
        ("paths.csv", "unknown muscle 'FDP2'"),
    ),
    "a muscle without a path": (
        {"muscles": MUSCLES + "MYMUS,my muscle,wrist,10,50,0,me\n"},
        ("paths.csv", "has no path of MYMUS"),
    ),
    "a path of one point": (
        {
            "muscles": MUSCLES + "MYMUS,my muscle,wrist,10,50,0,me\n",
            "paths": PATHS + "MYMUS,base_site,ECRL-P1,,,,,\n",
        },
        ("paths.csv", "MYMUS has 1 points"),
    ),
    "the axis of a joint of the palm removed": (
        {"added_joints": without_line(table_text("added_joints.csv"), "cmc5_flexion,")},
        ("joints.csv", "cmc5_flexion has no axis in added_joints.csv"),
    ),
    # paths
    "no branches": (
        {"paths": PATHS.replace("EDC2,pulley,2", "EDC2,pulley,0", 1)},
        ("paths.csv", "name is '0'", "number of branches", "at least 2"),
    ),
    "half a branch": (
        {"paths": PATHS.replace("EDC2,pulley,2", "EDC2,pulley,2.5", 1)},
        ("paths.csv", "name is '2.5'", "a whole number"),
    ),
    "branches in words": (
        {"paths": PATHS.replace("EDC2,pulley,2", "EDC2,pulley,two", 1)},
        ("paths.csv", "name is 'two'", "number of branches"),
    ),
    "a pulley at the end": (
        {"paths": PATHS.replace(LAST, f"{LAST}EDC2,pulley,2,,,,,\n")},
        ("paths.csv", "a branch of EDC2 has 0 points"),
    ),
    "a path that ends on a wrap": (
        {"paths": PATHS.replace(LAST, f"{LAST}EDC2,wrap,hoodcyl2,,,,,\n")},
        ("paths.csv", "EDC2 ends with wrap hoodcyl2"),
    ),
    "one point in two places": (
        {"paths": with_cell(PATHS, "FDS4,side,wrist_palm,", "z_mm", "31")},
        ("paths.csv", "wrist_palm of FDS4 has another place", "the same point"),
    ),
    "the side of a wrap misspelt": (
        {"paths": with_cell(PATHS, "FDS4,wrap,wristcyl_fds,", "side_site", "wrist_plam")},
        ("paths.csv", "wrist_palm", "wristcyl_fds", "side_site"),
    ),
}

BUILT = {
    "a site of MyoSim misspelt": (
        {"paths": with_cell(PATHS, "ECRL,base_site,ECRL-P2,", "name", "ECRL-P22")},
        ("unknown site of MyoSim's arm 'ECRL-P22'", "ECRL-P2"),
    ),
    "a surface of MyoSim misspelt": (
        {"paths": with_cell(PATHS, "ECRL,base_wrap,", "name", "Elbow_PT_ECRL_warp")},
        ("unknown geom of MyoSim's arm 'Elbow_PT_ECRL_warp'", "Elbow_PT_ECRL_wrap"),
    ),
    "a bone of a wrap misspelt": (
        {"wraps": with_cell(WRAPS, "hoodcyl2,", "body", "secondmt")},
        ("wraps.csv", "hoodcyl2", "unknown bone 'secondmt'", "secondmc"),
    ),
    "a bone of a segment misspelt": (
        {"segments": with_cell(SEGMENTS, "midph2,", "body", "midhp2")},
        ("unknown bone 'midhp2'", "midph2"),
    ),
    "the last bone without an outline": (
        {"segments": without_line(SEGMENTS, "distph2,")},
        ("segments.csv", "has no outline for the last bone of the index"),
    ),
    "a bone of a side point misspelt": (
        {"paths": PATHS.replace(",side,wrist_palm,lunate,", ",side,wrist_palm,lunata,")},
        ("paths.csv", "wrist_palm", "unknown bone 'lunata'", "lunate"),
    ),
}

HARMLESS = {
    "a byte order mark": {"joints": "﻿" + JOINTS},
    "blanks after the entries": {
        "joints": "\n".join(line.replace(",", " ,", 5) for line in JOINTS.splitlines())
    },
    "line ends of Windows": {"joints": JOINTS.replace("\n", "\r\n")},
    "empty lines": {"wraps": WRAPS.replace("\n", "\n\n")},
    "lines of commas alone": {"wraps": WRAPS + "," * WRAPS.splitlines()[0].count(",") + "\n"},
    "another column": {
        "wraps": "\n".join(f"{line},note" for line in WRAPS.splitlines()).replace("note", "n", 1)
    },
}


def refusal(folder, changed, use):
    """The line with which an edit of the tables is refused."""
    write_tables(folder, **changed)
    with pytest.raises(ModelError) as error:
        use(folder)
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("changed", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_one_line_names_the_cause(tmp_path, changed, words):
    message = refusal(tmp_path, changed, load_tables)
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(("changed", "words"), BUILT.values(), ids=BUILT.keys())
def test_what_only_the_build_can_see_is_named_too(tmp_path, changed, words):
    def build(folder):
        hand_spec(Side.RIGHT, design=load_tables(folder))

    message = refusal(tmp_path, changed, build)
    for word in words:
        assert word in message, message


@pytest.mark.parametrize("changed", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_does_no_harm_is_read(tmp_path, changed):
    assert load_tables(write_tables(tmp_path, **changed)) == load_tables()
