"""Units in headings: any usual spelling, bracket and place."""

import pytest

from musclehand.emg.io.units import (
    Heading,
    emg_columns,
    is_auxiliary,
    is_unit,
    seconds_per,
    split_heading,
    time_factor,
    to_volts,
    unit_facts,
    volts_per,
)


@pytest.mark.parametrize(
    ("unit", "volts"),
    [
        *[(unit, 1.0) for unit in ("V", "v", "Volt", "volts", "[V]", "(V)")],
        *[(unit, 1e-3) for unit in ("mV", "MV", "mvolt", "millivolts", "{mV}", "10^-3 V")],
        *[
            (unit, 1e-6)
            for unit in ("uV", "µV", "μV", "UV", "microvolts", "1e-6 V", "ÂµV", "10**-6 V")
        ],
        *[(unit, 1e-9) for unit in ("nV", "nanovolts")],
        *[(unit, None) for unit in ("N", "mV/V", "g", "", "s", "counts", "m", "volt ampere")],
    ],
)
def test_parts_of_volts_are_known_in_any_spelling(unit, volts):
    assert volts_per(unit) == (None if volts is None else pytest.approx(volts))
    assert to_volts(unit) == ((1.0, unit) if volts is None else (pytest.approx(volts), "V"))


@pytest.mark.parametrize(
    ("cell", "name", "unit"),
    [
        ("FDS (µV)", "FDS", "µV"),
        ("FDS [mV]", "FDS", "mV"),
        ("FDS{uV}", "FDS", "uV"),
        ("FDS <V>", "FDS", "V"),
        ("FDS, uV", "FDS", "uV"),
        ("FDS / mV", "FDS", "mV"),
        ("FDS_mV", "FDS", "mV"),
        ("FDS in mV", "FDS", "mV"),
        ('"VMO RT, uV"', "VMO RT", "uV"),
        ("Ultium EMG.EMG 1 (uV)", "Ultium EMG.EMG 1", "uV"),
        ("FDS (left) (mV)", "FDS (left)", "mV"),
        ("EMG 1 (mV) filtered", "EMG 1 filtered", "mV"),
        ("FDS (left)", "FDS (left)", None),
        ("Biceps (L)", "Biceps (L)", None),
        ("Biceps, left", "Biceps, left", None),
        ("EMG (raw)", "EMG (raw)", None),
        ("Sensor 1: EMG 1", "Sensor 1: EMG 1", None),
        ("ACC X (G)", "ACC X", "G"),
        ("Force [N]", "Force", "N"),
        ("FDS", "FDS", None),
        ("FDS (mV RMS)", "FDS (mV RMS)", "mV"),
        ("(mV)", "(mV)", "mV"),
        ("", "", None),
    ],
)
def test_a_heading_is_a_name_and_a_unit(cell, name, unit):
    assert split_heading(cell) == Heading(name, unit)


@pytest.mark.parametrize(
    ("cell", "factor"),
    [
        ("time", 1.0),
        ("Zeit [s]", 1.0),
        ("Time,s", 1.0),
        ("time_ms", 1e-3),
        ("Time (µs)", 1e-6),
        ("X[s]", 1.0),
        ("EMG 1 Time Series (s)", 1.0),
        ("t", 1.0),
        ("t (min)", 60.0),
        ("X", None),
        ("Time (mV)", None),
        ("Onset [s]", None),
        ("FDS", None),
    ],
)
def test_times_are_known_by_name_and_unit(cell, factor):
    assert time_factor(split_heading(cell)) == factor


def test_columns_are_emg_by_unit_and_name():
    names = ["FDS (mV)", "EDC", "Force (N)", "Acc X", "Sync (V)", "Grip (a.u.)", "Frame"]
    assert emg_columns([split_heading(name) for name in names]) == [
        *(True, True, False, False, False, True, False)
    ]
    only = [split_heading("Force (N)"), split_heading("Angle (deg)")]
    assert emg_columns(only) == [True, True]
    assert is_auxiliary("Trigno sensor 1: Acc 1.X")
    assert not is_auxiliary("EMG Acc")
    assert is_unit("mV")
    assert not is_unit("FDS")
    assert seconds_per("ms") == 1e-3


def test_assumed_units_are_called_assumed():
    assert unit_facts(["a"], [None], "V") == {"note": "unit not in the file, V assumed"}
    assert unit_facts(["a", "b"], ["mV", "mV"], "V") == {"unit in the file": "mV"}
    facts = unit_facts(["a", "b"], ["mV", None], "mV")
    assert facts["note"] == "unit of b not in the file, mV assumed"
