"""Workbooks: sheets read like tables, and archives that unpack to far more are refused."""

import io
import zipfile

import numpy as np
import pytest

from musclehand.emg.io.excel_file import read_excel
from musclehand.emg.io.reading import ReadOptions, read_emg
from musclehand.emg.recording import EmgFileError

openpyxl = pytest.importorskip("openpyxl")

SAMPLES = np.random.default_rng(0).normal(size=(100, 2))


def workbook(folder, sheets, name="a.xlsx"):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / name)
    return folder / name


def table(heading):
    rows = [[i / 1000, *map(float, row)] for i, row in enumerate(SAMPLES)]
    return [heading, *rows]


def test_a_sheet_is_a_table_with_units(tmp_path):
    emg = read_emg(workbook(tmp_path, {"EMG": table(["Time (s)", "FDS (µV)", "EDC (µV)"])}))
    assert emg.names == ("FDS", "EDC")
    assert emg.fs_hz == pytest.approx(1000.0)
    assert emg.samples == pytest.approx(1e-6 * SAMPLES, rel=1e-12)
    assert emg.provenance["unit in the file"] == "µV"


def test_facts_above_the_heading_and_other_sheets_are_passed(tmp_path):
    rows = [["Sampling rate", 1000], [], *[row[1:] for row in table(["t", "FDS [mV]", "EDC [mV]"])]]
    path = workbook(tmp_path, {"Subject": [["name", "x"]], "Trial 2": rows})
    emg = read_emg(path)
    assert emg.fs_hz == 1000.0
    assert emg.samples == pytest.approx(1e-3 * SAMPLES, rel=1e-12)


def test_a_sheet_can_be_chosen(tmp_path):
    path = workbook(tmp_path, {"A": table(["t", "a", "b"]), "B": table(["t", "c", "d"])})
    assert read_emg(path, ReadOptions(variable="B", unit="uV")).names == ("c", "d")
    with pytest.raises(EmgFileError, match="no sheet 'C'; there are A, B"):
        read_excel(path, variable="C")


def zipped(members):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no workbook"),
        (b"PK\x03\x04" + bytes(100), "no workbook"),
        (zipped({"a.xml": "<a/>"}), "no workbook"),
        (zipped({"xl/workbook.xml": bytes(50_000_000)}), "refused"),
        (zipped({"xl/workbook.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a/>'}), "entities"),
    ],
)
def test_what_is_no_workbook_is_named(data, problem, tmp_path):
    (tmp_path / "a.xlsx").write_bytes(data)
    with pytest.raises(EmgFileError, match=problem) as caught:
        read_excel(tmp_path / "a.xlsx")
    assert "a.xlsx" in str(caught.value)


def test_a_sheet_without_numbers_is_named(tmp_path):
    with pytest.raises(EmgFileError, match=r"a\.xlsx"):
        read_excel(workbook(tmp_path, {"A": [["only"], ["words"]]}))
    with pytest.raises(EmgFileError, match=r"empty"):
        read_excel(workbook(tmp_path, {"A": []}))
