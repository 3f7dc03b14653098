"""Random generators through arrays of numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from musclehand.core.vec_env import pack_generator, unpack_generator


@given(st.integers(0, 2**63), st.integers(0, 50))
def test_a_generator_goes_on_where_it_was_packed(seed, drawn):
    rng = np.random.default_rng(seed)
    rng.integers(10, size=drawn, dtype=np.uint32)
    again = unpack_generator(np.asarray(pack_generator(rng)))
    np.testing.assert_array_equal(rng.normal(size=5), again.normal(size=5))
    np.testing.assert_array_equal(rng.integers(9, size=7), again.integers(9, size=7))
