"""The forearm's layout: every electrode hears its own muscle best, and the armband goes all the
way round."""

import numpy as np
import pytest

from musclehand.body.build.tables import load_tables
from musclehand.core.errors import InvalidValue
from musclehand.emg.model.forearm import (
    ARMBAND_DECAY,
    LAYOUT,
    armband_electrodes,
    forearm_sources,
    site_electrodes,
)
from musclehand.emg.model.forward import ForwardConfig, mixing_matrix


def test_every_muscle_is_one_of_our_hand():
    known = {row.muscle for row in load_tables().muscles}
    assert set(LAYOUT) <= known
    assert [source.name for source in forearm_sources(["OP", "FCU", "PT"])] == ["FCU", "PT"]
    with pytest.raises(InvalidValue, match="muscles"):
        forearm_sources(["OP"])


@pytest.mark.parametrize("site", ["FCR", "PT", "FCU", "ECU"])
def test_a_superficial_muscle_is_loudest_under_its_own_electrode(site):
    sources = forearm_sources(list(LAYOUT))
    electrodes = site_electrodes()
    row = mixing_matrix(electrodes, sources)[[each.name for each in electrodes].index(site)]
    assert sources[int(row.argmax())].name == site


def test_an_armband_turned_by_an_electrode_hears_the_same_in_other_channels():
    sources = forearm_sources(list(LAYOUT))
    straight = mixing_matrix(armband_electrodes(), sources)
    turned = mixing_matrix(armband_electrodes(first=2 * np.pi / 8), sources)
    np.testing.assert_allclose(turned, np.roll(straight, -1, axis=0), rtol=1e-9)
    with pytest.raises(InvalidValue, match="electrodes"):
        armband_electrodes(1)


def test_neighbours_of_an_armband_share_as_much_as_is_said():
    mixing = mixing_matrix(
        armband_electrodes(48), forearm_sources(list(LAYOUT)), ForwardConfig(decay=ARMBAND_DECAY)
    )
    common = mixing @ mixing.T
    shared = np.square(common) / np.outer(np.diag(common), np.diag(common))
    apart = [np.mean([shared[i, (i + step) % 48] for i in range(48)]) for step in (6, 12)]
    np.testing.assert_allclose(apart, [0.38, 0.16], atol=0.02)
