"""The published networks for tests that need them; other tests do without."""

from __future__ import annotations

from functools import cache

import pytest

from musclehand.watch.networks import HandNetworks, NetworkError, find_networks, set_up_networks


@cache
def _networks() -> HandNetworks | str:
    try:
        return find_networks()
    except NetworkError:
        pass
    try:
        return set_up_networks()
    except NetworkError as error:
        return str(error)


def hand_networks() -> HandNetworks:
    """The networks, out of the user's cache or as `musclehand watch --setup` gets them.

    The test is skipped where they cannot be had, or cannot be run.
    """
    pytest.importorskip("ai_edge_litert", reason="needs pip install 'musclehand[watch]'")
    networks = _networks()
    if isinstance(networks, str):
        pytest.skip(f"the networks that detect hands cannot be had: {networks}")
    return networks
