"""The arrays that stock rules work on: one element a SKU, or one an order line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

Rows = Ints | Bools | slice
"""Some rows of an array: their positions, a mask, or `slice(None)` for all."""
