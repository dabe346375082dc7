"""BIDS data sets of EEG and EMG as recordings.

Source: Gorgolewski et al., doi:10.1038/sdata.2016.44; EEG: Pernet et al., doi:10.1038/s41597-019-0104-8; EMG:
the specification from version 1.11. Signals, channels and places are read by mne-bids (Appelhoff et al.,
doi:10.21105/joss.01896), events by this package: labels and times stay as they are written.
"""

from __future__ import annotations

from .entry import ENTRY
from .loading import from_bids, load_bids

__all__ = ["ENTRY", "from_bids", "load_bids"]
