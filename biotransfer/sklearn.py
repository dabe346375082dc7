"""The edge to scikit-learn: a transfer as a classifier, for its pipelines and searches, and for MOABB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .errors import check, check_is, check_option
from .learning.networks import build_network
from .learning.networks.checkpoints import open_weights
from .learning.networks.forward import run_network
from .learning.training import Schedule
from .learning.training.running import refuse_diverged, train
from .learning.training.weighting import by_class, check_sample_weight
from .learning.weights import Weights
from .signals.plain import listed, name_of
from .signals.splits import Split
from .signals.windows import Windows
from .signals.windows.container import METADATA
from .transfer.align.transform import SCALES, fit_scaler
from .transfer.carry import make_arms, resolve_arm
from .transfer.carry.given import check_carries


class TransferClassifier(ClassifierMixin, BaseEstimator):
    """A network that starts from other data's weights and trains on what ``fit`` is given.

    Parameters
    ----------
    source_weights : Weights, str or path, optional
        What to start from: weights, a file of ours (``biotransfer run`` leaves some in ``weights/``), or a
        checkpoint or repository that :func:`biotransfer.load_checkpoint` reads.
    network : str or mapping
        See ``biotransfer list networks``: one that takes features for X of two axes, or signals for three.
    arm : str or mapping, optional
        See ``biotransfer list arms``. When not given: "transferred" with weights to start from, else
        "scratch".
    sfreq : float, optional
        Sampling rate in Hz, for networks of a library, and to be compared with that of the weights.
    names : sequence of str, optional
        Of the features or channels, in the order of X; of a DataFrame its columns' when not given. Weights
        whose card names the same in another order are put in this one, and a ledger says what differs.
    scale : {"standard", "none"}
        Whether every feature (or channel) gets zero mean and unit deviation over the training windows.
    epochs, learning_rate, batch_size, weight_decay
        See :class:`biotransfer.Schedule`.
    class_weight : "balanced" or mapping of label to float, optional
        What the windows of a class count in the loss: "balanced" lets every class count the same, however few
        windows it has.
    seed : int
        Draws what starts afresh, and the order of batches.
    engine, device : str
        See :func:`biotransfer.train`.

    Attributes
    ----------
    classes_ : ndarray
        Labels, sorted.
    n_features_in_ : int
        Features, or channels.
    network_ : Network
        The record.
    arm_ : Arm
        What training started from; its ``ledger`` says where every tensor came from.
    weights_ : Weights
        After training, to be saved or to start another one.

    Notes
    -----
    The same training as :func:`biotransfer.train`, number by number. For people unseen in training, hand
    their identity to the splitter: ``cross_val_score(..., groups=subjects, cv=LeaveOneGroupOut())``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from biotransfer.sklearn import TransferClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["rest", "task"], 30)
    >>> emg = rng.normal(size=(60, 16)) + (y == "task")[:, None]
    >>> eeg = rng.normal(size=(60, 10)) + (y == "task")[:, None]
    >>> source = TransferClassifier(epochs=30, learning_rate=1e-2).fit(emg, y)
    >>> target = TransferClassifier(source.weights_, epochs=30, learning_rate=1e-2)
    >>> bool(cross_val_score(target, eeg, y, cv=3).mean() > 0.8)
    True
    """

    def __init__(
        self,
        source_weights: Weights | str | Path | None = None,
        network: str | Mapping[str, Any] = "mlp",
        arm: str | Mapping[str, Any] | None = None,
        *,
        sfreq: float | None = None,
        names: Sequence[str] | None = None,
        scale: str = "standard",
        epochs: int = Schedule.epochs,
        learning_rate: float = Schedule.learning_rate,
        batch_size: int = Schedule.batch_size,
        weight_decay: float = Schedule.weight_decay,
        class_weight: str | Mapping[Any, float] | None = None,
        seed: int = 0,
        engine: str = "auto",
        device: str = "cpu",
    ):
        self.source_weights = source_weights
        self.network = network
        self.arm = arm
        self.sfreq = sfreq
        self.names = names
        self.scale = scale
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.seed = seed
        self.engine = engine
        self.device = device

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: Any = None) -> TransferClassifier:
        """Train on labelled windows.

        Parameters
        ----------
        X : array, shape (n_windows, n_features) or (n_windows, n_chans, n_times)
            Features or signals.
        y : array, shape (n_windows,)
            Labels.
        sample_weight : array, shape (n_windows,), optional
            What each window counts in the loss, besides ``class_weight``.

        Returns
        -------
        TransferClassifier
            Itself.

        Raises
        ------
        BiotransferError
            When network, arm and weights do not fit each other or the windows, nothing of the weights would
            carry over, or training diverges.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, allow_nd=True)
        _check_range(X)
        check_classification_targets(y)
        check_option("scale", self.scale, SCALES)
        self.classes_, labels = np.unique(y, return_inverse=True)
        weights = by_class(self.class_weight, self.classes_, labels)
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, len(X)) * (1.0 if weights is None else weights)
        windows = self._windows(X, labels)
        self._scaler = fit_scaler(windows, self.scale)
        windows = self._scaler.apply(windows)
        self.network_ = build_network(self.network, windows.shape, len(self.classes_), sfreq=self.sfreq)
        (self.arm_,) = make_arms(
            [self._arm()], self._sources(), self.network_, self.seed, stream="target", target=windows
        )
        rows = np.arange(len(windows))
        split = Split("all", "all", rows, rows[:0])
        schedule = Schedule(self.epochs, self.learning_rate, self.batch_size, self.weight_decay)
        curves = train(
            self.network_,
            [self.arm_],
            windows,
            split,
            schedule,
            engine=self.engine,
            device=self.device,
            sample_weight=weights,
        )
        if curves.diverged[0]:
            refuse_diverged(self.arm_, schedule, f"{np.nanmax(curves.train_loss):.3g} nats in an epoch")
        facts = {
            "network": self.network_.describe(),
            "classes": [str(c) for c in self.classes_],
            "names": list(windows.names) if any(windows.names) else None,
            "sfreq": self.sfreq,
            "history": list(windows.history),
            "scale": self.scale,
            "source": self.arm_.name,
            "seed": self.seed,
            "train": vars(schedule),
            "n_windows": len(windows),
        }
        self.weights_ = Weights(curves.tensors[0], facts)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probability of every class.

        Parameters
        ----------
        X : array, shape (n_windows, n_features) or (n_windows, n_chans, n_times)
            As in :meth:`fit`.

        Returns
        -------
        ndarray, shape (n_windows, n_classes)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, allow_nd=True, reset=False)
        _check_range(X)
        given, wanted = tuple(X.shape[1:]), self.network_.input_shape
        check(given == wanted, f"X has windows of shape {given}, fitted were {wanted}. Pass such windows.")
        return run_network(self.network_, self.weights_.tensors, self._scaler.apply_array(X)).probabilities

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable class of every window; ``X`` as in :meth:`predict_proba`."""
        most = self.predict_proba(X).argmax(axis=1)
        return self.classes_[most]

    def _arm(self) -> str | Mapping[str, Any]:
        if self.arm is not None:
            return self.arm
        return "scratch" if self.source_weights is None else "transferred"

    def _sources(self) -> dict[str, Weights]:
        """Return the weights under the name that the arm asks for."""
        request = resolve_arm(self._arm())
        if request.source is None:
            return {}
        check(
            self.source_weights is not None,
            f"arm={request.label!r} starts from other weights, and source_weights is not given. "
            "Pass source_weights=biotransfer.load_weights(...), or use arm='scratch'.",
        )
        assert self.source_weights is not None
        source = self.source_weights
        kinds = (Weights, str, Path, Mapping)
        check_is("source_weights", source, kinds, "Type biotransfer.load_weights('...').")
        if not isinstance(source, Weights):
            source = open_weights(source, self.network_)
        check_carries(source, self.network_, "source_weights")
        return {request.source: source}

    def _names(self, n: int) -> tuple[str, ...]:
        """Return what the columns are called; blanks where nothing says so."""
        if self.names is None:
            return tuple(map(str, getattr(self, "feature_names_in_", [""] * n)))
        names = tuple(name_of(f"names[{i}]", name) for i, name in enumerate(listed("names", self.names)))
        check(
            len(set(names)) == len(names) == n,
            f"names={list(names)} for {n} features or channels of X. Expected one each, none twice.",
        )
        return names

    def _windows(self, X: np.ndarray, y: np.ndarray) -> Windows:
        """Return the container that the rest of biotransfer takes; the rows have no known origin."""
        unknown = pd.DataFrame({name: [""] * len(X) for name in METADATA})
        unknown["uid"] = np.arange(len(X)).astype(str)
        unknown[["start", "stop"]] = 0.0
        return Windows(
            X=X,
            y=y.astype(np.int64),
            metadata=unknown,
            classes=tuple(str(c) for c in self.classes_),
            names=self._names(X.shape[1]),
            modality="eeg",
            sfreq=self.sfreq,
        )


def _check_range(X: np.ndarray) -> None:
    """Refuse values that single precision, in which networks train, does not hold."""
    largest, most = float(np.abs(X).max(initial=0.0)), float(np.finfo(np.float32).max)
    check(
        largest <= most,
        f"X reaches {largest:.3g}, and networks train in single precision, which ends at {most:.3g}. "
        "Expected signals or features of common size. Divide X by a constant.",
    )
