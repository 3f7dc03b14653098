"""Inference with small networks: no gradients, one thread.

The networks here have some hundred units and act on a few hands. A second thread never makes that
faster (0.2 ms for one step of two hands), and where other programs use the cores, waiting for it
takes ten milliseconds and more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def inference() -> Iterator[None]:
    """`torch.inference_mode` with torch's intra-op threads limited to 1 in the block.

    The number of threads is what it was again afterwards. Both changes take less than a
    microsecond.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        with torch.inference_mode():
            yield
        return
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)
