"""Where electrodes lie by their names: the 10-05 system."""

from __future__ import annotations

from functools import cache

import mne


@cache
def electrode_positions() -> mne.channels.DigMontage:
    """Return the positions of the 10-05 system on a template head (MNE renamed them in 1.13)."""
    names = mne.channels.get_builtin_montages()
    return mne.channels.make_standard_montage(
        "colin27_1005" if "colin27_1005" in names else "standard_1005", head_size="auto"
    )
