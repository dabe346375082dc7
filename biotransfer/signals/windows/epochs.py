"""To and from :class:`mne.Epochs`."""

from __future__ import annotations

from typing import Any

import mne
import numpy as np
import pandas as pd

from ...errors import check, check_option
from ..recording import MODALITIES
from .container import METADATA, Windows


def to_epochs(windows: Windows) -> Any:
    """Return signals as :class:`mne.EpochsArray` with the metadata attached.

    Raises
    ------
    BiotransferError
        When the windows are features.
    """
    check(windows.is_signal, "to_epochs needs signals, these are features. Pass the windows before features.")
    info = mne.create_info(list(windows.names), windows.sfreq, windows.modality)
    events = np.column_stack([np.arange(len(windows)), np.zeros(len(windows), int), windows.y])
    return mne.EpochsArray(
        windows.X.astype(np.float64),
        info,
        events=events,
        event_id={c: i for i, c in enumerate(windows.classes) if np.any(windows.y == i)},
        metadata=windows.metadata.assign(label=[windows.classes[i] for i in windows.y]),
        verbose="error",
    )


def from_epochs(
    epochs: Any, *, subject: str, modality: str, dataset: str = "epochs", session: str = "1"
) -> Windows:
    """Turn :class:`mne.Epochs` into Windows; each epoch is its own recording, its event name the label.

    Parameters
    ----------
    epochs : mne.BaseEpochs
        Epochs in V; ``event_id`` names the classes.
    subject, session, dataset : str
        Who was recorded; ``metadata`` columns of these names win when present.
    modality : {"eeg", "emg"}
        Which channels to take.
    """
    check_option("modality", modality, MODALITIES)
    kinds = {modality: True}
    picks = mne.pick_types(epochs.info, meg=False, **kinds, exclude="bads")
    check(
        len(picks) > 0,
        f"modality={modality!r} but the epochs have no good channel of it, only "
        f"{', '.join(sorted(set(epochs.get_channel_types())))}. Call epochs.set_channel_types(...).",
    )
    data = epochs.get_data(picks=picks)
    check(np.isfinite(data).all(), "epochs hold NaN or infinite values. Drop those epochs first.")
    classes = tuple(epochs.event_id)
    codes = {code: i for i, code in enumerate(epochs.event_id.values())}
    given = epochs.metadata if epochs.metadata is not None else pd.DataFrame(index=range(len(data)))
    n = np.arange(len(data))
    table = pd.DataFrame({"dataset": dataset, "subject": subject, "session": session}, index=n)
    for column in ("dataset", "subject", "session"):
        if column in given:
            table[column] = given[column].astype(str).to_numpy()
    table["run"] = [str(i) for i in n]
    if "run" in given:
        table["run"] = given["run"].astype(str).to_numpy()
    table["recording"] = (
        table["dataset"] + "/sub-" + table["subject"] + "/ses-" + table["session"] + "/run-" + table["run"]
    )
    table["start"] = (
        given["start"].to_numpy() if "start" in given else epochs.events[:, 0] / epochs.info["sfreq"]
    )
    table["stop"] = table["start"] + data.shape[2] / epochs.info["sfreq"]
    table["source_file"] = given["source_file"].to_numpy() if "source_file" in given else ""
    table["uid"] = table["recording"] + "@" + table["start"].map("{:.4f}".format)
    return Windows(
        X=data.astype(np.float32),
        y=np.array([codes[c] for c in epochs.events[:, 2]], dtype=np.int64),
        metadata=table[list(METADATA)],
        classes=classes,
        names=tuple(epochs.ch_names[i] for i in picks),
        modality=modality,
        sfreq=float(epochs.info["sfreq"]),
        history=("mne.Epochs",),
    )
