"""The models of braindecode as networks: which take our windows, and why the others do not.

What a model is (its tensors; which are stem, body and head) is found by building it; this file declares only
what has to be known without importing anything, and a test holds it against the installed braindecode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...catalog import Entry
from ...errors import check
from .network import Network

# Name: what it is, its source, and the facts a recipe has to heed.
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "ATCNet": ("Convolution, attention and temporal convolution over sliding windows.",
               "Altaheri et al. 2022, doi:10.1109/TII.2022.3197419", {}),
    "AttentionBaseNet": ("Compact convolutions with channel attention.",
                         "Wimpff et al. 2023, arXiv:2310.11198", {}),
    "BDTCN": ("Temporal convolutional network.",
              "Gemein et al. 2020, doi:10.1016/j.neuroimage.2020.117021", {}),
    "BENDR": ("Foundation model: convolutional encoder and transformer; 157 million parameters.",
              "Kostas et al. 2021, doi:10.3389/fnhum.2021.653659",
              {"pretrained": "braindecode/braindecode-bendr"}),
    "BIOT": ("Foundation model: linear transformer over spectra of channel patches.",
             "Yang et al. 2023, arXiv:2305.10351",
             {"pretrained": "braindecode/biot-pretrained-six-datasets-18chs"}),
    "BrainModule": ("Dilated residual convolutions, made for speech decoding.",
                    "Defossez et al. 2023, doi:10.1038/s42256-023-00714-5", {}),
    "CBraMod": ("Foundation model: criss-cross transformer over channel patches of 200 samples.",
                "Wang et al. 2025, arXiv:2412.07236",
                {"n_times_multiple": 200, "pretrained": "braindecode/cbramod-pretrained"}),
    "CTNet": ("EEGNet-like convolutions and a transformer.",
              "Zhao et al. 2024 (Scientific Reports 14:20237)", {}),
    "ContraWR": ("Residual 2-D convolutions over a spectrogram.", "Yang et al. 2023, doi:10.2196/46769", {}),
    "DGCNN": ("Graph convolution whose graph starts from electrode places.",
              "Song et al. 2018, doi:10.1109/TAFFC.2018.2817622", {"needs_channels": True}),
    "Deep4Net": ("Four convolution-max-pooling blocks.",
                 "Schirrmeister et al. 2017, doi:10.1002/hbm.23730", {"engine": "stacked", "kernel": True}),
    "DeepSleepNet": ("Two convolutional paths and a bidirectional LSTM.",
                     "Supratak et al. 2017, doi:10.1109/TNSRE.2017.2721116", {}),
    "EEGConformer": ("Shallow convolutions and a transformer.",
                     "Song et al. 2022, doi:10.1109/TNSRE.2022.3230250", {"engine": "stacked"}),
    "EEGDINO": ("Foundation model: self-distilled transformer over channel patches.",
                "Wang et al. 2025 (MICCAI)", {"pretrained": "braindecode/eegdino-small-pretrained"}),
    "EEGITNet": ("Inception branches and temporal convolution.",
                 "Salami et al. 2022, doi:10.1109/ACCESS.2022.3161489", {}),
    "EEGInceptionERP": ("Inception modules, made for event-related potentials.",
                        "Santamaria-Vazquez et al. 2020, doi:10.1109/TNSRE.2020.3048106", {}),
    "EEGInceptionMI": ("Inception modules with residuals, made for motor imagery.",
                       "Zhang et al. 2021, doi:10.1088/1741-2552/abed81", {}),
    "EEGMiner": ("Learned Gaussian band filters and their statistics.",
                 "Ludwig et al. 2024 (Journal of Neural Engineering)", {}),
    "EEGNeX": ("EEGNet with dilated convolutions.", "Chen et al. 2024, doi:10.1016/j.bspc.2023.105475",
               {"engine": "stacked"}),
    "EEGNet": ("Compact temporal, spatial and separable convolutions.",
               "Lawhern et al. 2018, doi:10.1088/1741-2552/aace8c", {"engine": "stacked", "kernel": True}),
    "EEGPT": ("Foundation model: masked transformer; 25 million parameters.",
              "Wang et al. 2024 (NeurIPS)",
              {"pretrained": "braindecode/eegpt-pretrained"}),
    "EEGSimpleConv": ("Plain 1-D convolutions over resampled signals.",
                      "El Ouahidi et al. 2023, arXiv:2309.07159", {}),
    "EEGSym": ("Inception over mirrored hemispheres.", "Perez-Velasco et al. 2022 (IEEE TNSRE 30:1766)",
               {"needs_channels": True}),
    "EEGTCNet": ("EEGNet and temporal convolution.", "Ingolfsson et al. 2020, arXiv:2006.00622",
                 {"engine": "stacked"}),
    "FBMSNet": ("Filter bank and mixed-scale convolutions.", "Liu et al. 2022 (IEEE TBME)", {}),
    "IFNet": ("Two interacting frequency bands.", "Wang et al. 2023 (IEEE TNSRE)", {}),
    "LUNA": ("Foundation model: any number of channels by cross-attention, patches of 40 samples.",
             "Doner et al. 2025 (NeurIPS)", {"n_times_multiple": 40, "pretrained": "PulpBio/LUNA",
              "pretrained_file": "LUNA_base.safetensors"}),
    "Labram": ("Foundation model: transformer over channel patches of 200 samples, channels known by name.",
               "Jiang et al. 2024, arXiv:2405.18765",
               {"needs_channels": True, "n_times_multiple": 200,
                "pretrained": "braindecode/labram-pretrained"}),
    "MEDFormer": ("Transformer over patches of several lengths.",
                  "Wang et al. 2024, doi:10.52202/079017-1145", {}),
    "MSVTNet": ("Multi-scale convolutions and a transformer.", "Liu et al. 2024 (IEEE JBHI)", {}),
    "MVPFormer": ("Foundation model: multi-variate parallel attention.", "Carzaniga et al. 2026 (ICLR)", {}),
    "PBT": ("Transformer over patches with learned channel places.",
            "Klein et al. 2025, doi:10.1038/s41598-025-86294-3", {}),
    "SCCNet": ("Spatial component-wise convolutions.", "Wei et al. 2019 (IEEE/EMBS Neural Engineering)", {}),
    "SPARCNet": ("Dense 1-D convolutions.", "Jing et al. 2023, doi:10.1212/WNL.0000000000207127", {}),
    "SSTDPN": ("Spatial-spectral attention and prototypes of the classes.",
               "Han et al. 2025 (Knowledge-Based Systems)", {"min_n_times": 250}),
    "STEEGFormer": ("Foundation model: spatio-temporal transformer; 25 million parameters.",
                    "Yang et al. 2026 (ICLR)", {"pretrained": "braindecode/STEEGFormer-small"}),
    "ShallowFBCSPNet": ("Temporal and spatial convolution, log power.",
                        "Schirrmeister et al. 2017, doi:10.1002/hbm.23730",
                        {"engine": "stacked", "kernel": True}),
    "SignalJEPA_Contextual": ("Foundation model: predictive transformer over places of electrodes.",
                              "Guetschel et al. 2024, doi:10.3217/978-3-99161-014-4-003",
                              {"needs_channels": True, "pretrained": "braindecode/signal-jepa"}),
    "SignalJEPA_PostLocal": ("Local encoder of signal-JEPA, channels mixed behind it.",
                             "Guetschel et al. 2024, doi:10.3217/978-3-99161-014-4-003",
                             {"pretrained": "braindecode/signal-jepa"}),
    "SignalJEPA_PreLocal": ("Local encoder of signal-JEPA, channels mixed before it.",
                            "Guetschel et al. 2024, doi:10.3217/978-3-99161-014-4-003",
                            {"pretrained": "braindecode/signal-jepa"}),
    "SincShallowNet": ("Learned sinc filters and spatial convolution.",
                       "Borra et al. 2020, doi:10.1016/j.neunet.2020.05.032", {}),
    "SyncNet": ("Learned filters with phase shifts between channels.", "Li et al. 2017 (NeurIPS)", {}),
    "TCFormer": ("Multi-kernel convolutions, transformer and temporal convolution.",
                 "Altaheri et al. 2025, doi:10.1038/s41598-025-16219-7", {}),
    "TIDNet": ("Dense temporal and spatial convolutions.",
               "Kostas & Rudzicz 2020, doi:10.1088/1741-2552/abb7a7", {}),
    "TSception": ("Temporal and hemispheric convolutions.", "Ding et al. 2020 (IJCNN)", {}),
}  # fmt: skip

REFUSED: dict[str, str] = {
    "AttnSleep": "its width is tied to 30 s of one channel: a window of 1 s leaves 8 to 10 time steps for "
    "d_model=80",
    "CodeBrain": "it scales its kernels by the first batch it sees, a state that arms cannot share",
    "DANCE": "it answers with events in time, not with one class per window",
    "EMG2QwertyNet": "it takes two bands of 16 electrodes each",
    "FBCNet": "between its fixed filter bank and its head everything depends on the channels: nothing could "
    "carry over",
    "FBLightConvNet": "in a window of 1 s its attention has a single step to weigh: its body learns nothing",
    "MetaNeuromotorHand": "it takes 16 channels at 2000 Hz; at 200 to 250 Hz its frequency bands are empty",
    "NeuroPose": "its pooling over electrodes needs 16 channels",
    "REVE": "it downloads a bank of electrode places before it can be built",
    "SensingDynamics": "it takes exactly 16 channels",
    "SignalJEPA": "it has no head: use SignalJEPA_Contextual, SignalJEPA_PreLocal or SignalJEPA_PostLocal",
    "SleepStagerBlanco2020": "a window of 1 s is shorter than its pooling: it takes 30 s",
    "SleepStagerChambon2018": "a window of 1 s is shorter than its pooling: it takes 30 s",
    "USleep": "its filters have an even length at 200 and 250 Hz, and it takes 30 s",
    "VEMG2Pose": "it needs 1790 samples before its first prediction, at 2000 Hz",
    "ZUNA": "it is a diffusion model over patches of 32 samples, 172 million parameters, for reconstruction",
}


def _declare(model: str, facts: Mapping[str, Any]) -> Callable[..., Network]:
    """Return the function of the catalog entry of one model."""

    def build(
        input_shape: tuple[int, ...],
        n_outputs: int,
        sfreq: float,
        *,
        options: Mapping[str, Any] | None = None,
        channels: Sequence[str] | None = None,
    ) -> Network:
        """Build a model of braindecode.

        Parameters
        ----------
        input_shape : tuple
            ``(n_chans, n_times)``.
        n_outputs : int
            Number of classes.
        sfreq : float
            Sampling rate in Hz.
        options : mapping
            The model's own arguments by the names that braindecode gives them, such as ``{drop_prob: 0.25}``.
        channels : sequence of str
            For models that know electrodes by place: the 10-05 names under which the channels are presented,
            in order; with more names than channels, the first are used. EMG has no such names: giving some
            is a choice of yours, and the weights card records it.

        Raises
        ------
        BiotransferError
            When the model does not take such windows, with its own words.
        """
        from .foreign_modules import inspect_model

        check(
            len(input_shape) == 2,
            f"network {model} takes signals, these windows have shape {tuple(input_shape)}. "
            "Remove features from the recipe, or use network: mlp.",
        )
        n_chans, n_times = input_shape
        multiple, least = facts.get("n_times_multiple", 1), facts.get("min_n_times", 1)
        check(
            n_times % multiple == 0,
            f"network {model} takes windows of a multiple of {multiple} samples, these have {n_times} at "
            f"{sfreq:g} Hz. Resample to {multiple} Hz for windows of 1 s: "
            f"preprocess: [..., {{name: resample, sfreq: {multiple}}}].",
        )
        check(
            n_times >= least or options,
            f"network {model} takes windows of {least} samples or more, these have {n_times} at {sfreq:g} "
            "Hz. Use longer windows.",
        )
        check(
            channels is None or len(channels) >= n_chans,
            f"network {model}: channels={list(channels or ())} names {len(channels or ())} electrodes for "
            f"{n_chans} channels. Name one for each.",
        )
        check(
            channels is not None or not facts.get("needs_channels"),
            f"network {model} knows electrodes by their place. Name one of the 10-05 system per channel: "
            f"network: {{name: {model}, channels: [TP9, AF7, AF8, TP10]}}.",
        )
        names = None if channels is None else tuple(channels[:n_chans])
        found = inspect_model(model, n_chans, n_times, n_outputs, float(sfreq), dict(options or {}), names)
        parameters = {
            "options": dict(options or {}),
            "channels": None if channels is None else list(channels),
        }
        return Network(model, found.layers, (n_chans, n_times), n_outputs, parameters, found.build)

    return build


def foreign_entries() -> list[Entry]:
    """Return one catalog entry per model."""
    return [
        Entry(
            name,
            summary,
            _declare(name, facts),
            f"{source}; braindecode {name}",
            {
                "takes": "signals",
                "needs_sfreq": True,
                "packages": ("braindecode",),
                "extra": "braindecode",
                **facts,
            },
        )
        for name, (summary, source, facts) in MODELS.items()
    ]
