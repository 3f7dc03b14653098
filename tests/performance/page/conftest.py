"""A performance to show."""

import pytest

from support.swinging_hands import write_performance


@pytest.fixture(scope="session")
def folder(scene, tmp_path_factory):
    """A folder with a recording and its sound."""
    folder = tmp_path_factory.mktemp("performance")
    write_performance(scene, folder)
    return folder
