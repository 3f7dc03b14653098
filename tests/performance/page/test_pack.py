"""Arrays survive packing to within half their unit, undone here without the library's help."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from musclehand.core.errors import InvalidValue
from musclehand.performance.page.pack import pack
from support.page_arrays import unpack


@given(
    arrays(float, st.tuples(st.integers(0, 20), st.integers(0, 5)), elements=st.floats(-0.32, 0.32))
)
def test_any_array_comes_back(values):
    assert unpack(pack(values, 1e-5)) == pytest.approx(values, abs=0.51e-5)


def test_gaps_stay_gaps():
    values = np.array([[0.1, np.nan], [np.nan, -0.2], [0.3, 0.0]])
    assert unpack(pack(values, 1e-4)) == pytest.approx(values, nan_ok=True)


def test_a_shape_becomes_columns():
    packed = pack(np.zeros((4, 3, 2)), 1.0)
    assert (packed["rows"], packed["columns"]) == (4, 6)


def test_slow_motion_takes_little_room():
    time = np.arange(3000) / 50
    values = 0.1 * np.sin(time[:, None] + np.arange(10))
    assert len(pack(values, 4e-5)["data"]) < 0.6 * 2 * values.size


@pytest.mark.parametrize("value", [0.4, -0.4, np.inf])
def test_values_out_of_range_are_refused(value):
    with pytest.raises(InvalidValue, match=r"at most 0\.32767"):
        pack(np.array([[value]]), 1e-5)
