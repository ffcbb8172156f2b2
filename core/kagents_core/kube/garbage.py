"""Python's garbage collector and ten thousand parsed objects: a full collection can take a second.

Measured at 10,000 objects of 4 KB: parsing costs 2.5 to 5.5 times more with the collector on.
"""

import gc


def settle() -> None:
    """Call once after the first lists: what lives now is not looked at again, collections become rare."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
