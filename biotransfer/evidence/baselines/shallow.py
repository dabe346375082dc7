"""Shallow classifiers of scikit-learn, fitted on training rows: each answers whether a network is needed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from ...catalog import Catalog, Entry, Fact
from ...transfer.toolkits.table import elsewhere
from .unlabelled import lap_rls, lap_svm, tsvm

_SPREAD = 0.1


def _steady(classifier: Any) -> Any:
    """Return a classifier that becomes a simpler one where its covariances cannot be estimated.

    Notes
    -----
    Where a class has one window, or no spread at all in some direction whatever the shrinkage: Gaussian
    classes of independent features (:class:`sklearn.naive_bayes.GaussianNB`), to whose variances a tenth of
    the largest is added. So a default baseline answers whatever it is given, and never stops a study.
    """
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.naive_bayes import GaussianNB

    class Steady(ClassifierMixin, BaseEstimator):
        """Chooses when it sees the windows."""

        def fit(self, X: np.ndarray, y: np.ndarray) -> Any:
            """Fit the classifier, or the simpler one."""
            self.classes_, counts = np.unique(y, return_counts=True)
            self.fitted_: Any = None
            if counts.min() > 1 and counts.sum() > len(counts):
                with suppress(np.linalg.LinAlgError):
                    self.fitted_ = classifier.fit(X, y)
            if self.fitted_ is None:
                self.fitted_ = GaussianNB(var_smoothing=_SPREAD).fit(X, y)
            return self

        def predict(self, X: np.ndarray) -> np.ndarray:
            """Return the most probable class of every window."""
            return np.asarray(self.fitted_.predict(X))

        def predict_proba(self, X: np.ndarray) -> np.ndarray:
            """Return the probability of every class."""
            return np.asarray(self.fitted_.predict_proba(X))

    return Steady()


def lda(seed: int, *, shrinkage: float | None = None) -> Any:
    """Tell the classes apart by hyperplanes: Gaussian classes of one covariance.

    Parameters
    ----------
    seed : int
        Not needed.
    shrinkage : float, 0 to 1, optional
        From 0 (the covariance as it is) to 1 (its diagonal alone); Ledoit and Wolf's estimate when not given.

    Notes
    -----
    Source: :class:`sklearn.discriminant_analysis.LinearDiscriminantAnalysis`, solver "lsqr".
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return _steady(
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto" if shrinkage is None else shrinkage)
    )


def qda(seed: int, *, regularization: float = 0.01) -> Any:
    """Tell the classes apart by curved borders: Gaussian classes, each with a covariance of its own.

    Parameters
    ----------
    seed : int
        Not needed.
    regularization : float, 0 to 1
        From 0 (covariances as they are) to 1 (spheres).

    Notes
    -----
    Source: :class:`sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis`, "svd". A class of fewer
    windows than features has directions without variance, which that one refuses: then "eigen", and every
    covariance is shrunk by as much.
    """
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    class Quadratic(QuadraticDiscriminantAnalysis):
        """Chooses its solver when it sees how many windows a class has."""

        def fit(self, X: np.ndarray, y: np.ndarray) -> Any:
            """Fit the classes' means and covariances."""
            few = np.unique(y, return_counts=True)[1].min() < X.shape[1]
            self.set_params(solver="eigen" if few else "svd", shrinkage=regularization if few else None)
            return super().fit(X, y)

    return _steady(Quadratic(reg_param=regularization))


def logistic_regression(seed: int, *, strength: float = 1.0) -> Any:
    """Weigh the features and pass the sum through a softmax.

    Parameters
    ----------
    seed : int
        Not needed.
    strength : float, above 0
        Inverse of the quadratic penalty.

    Notes
    -----
    Source: :class:`sklearn.linear_model.LogisticRegression`, solver "lbfgs".
    """
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=1000)


def random_forest(seed: int, *, trees: int = 200) -> Any:
    """Let many trees vote, each grown on a draw of windows and features.

    Parameters
    ----------
    seed : int
        Draws windows and features.
    trees : int, 1 to 5000
        How many.

    Notes
    -----
    Source: :class:`sklearn.ensemble.RandomForestClassifier`.
    """
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=trees, random_state=seed, n_jobs=1)


BASELINES = Catalog(
    "baseline",
    [
        Entry("lda", "Linear discriminant analysis with a shrunk covariance.", lda,
              "Ledoit & Wolf 2004, doi:10.1016/S0047-259X(03)00096-4"),
        Entry("qda", "Quadratic discriminant analysis.", qda, "Friedman 1989, doi:10.2307/2289860"),
        Entry("logistic_regression", "Multinomial logistic regression.", logistic_regression,
              "Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x"),
        Entry("random_forest", "A random forest.", random_forest,
              "Breiman 2001, doi:10.1023/A:1010933404324"),
        Entry("lap_rls", "Least squares with a kernel that is smooth over windows without labels, too.",
              lap_rls, "Belkin et al. 2006, JMLR 7:2399-2434", {"unlabelled": True}),
        Entry("lap_svm", "Support vectors with a kernel that is smooth over windows without labels, too.",
              lap_svm, "Belkin et al. 2006, JMLR 7:2399-2434", {"unlabelled": True}),
        Entry("tsvm", "Hyperplanes that keep away from windows without labels, too.", tsvm,
              "Joachims 1999, ICML 16:200-209", {"unlabelled": True}),
    ],
    {"unlabelled": Fact("Whether it looks at windows without labels, where a split leaves some.", bool,
                        default=False, asks={True: "looks at windows without labels"}.get)},
    elsewhere=elsewhere("baselines"),
    word="baselines",
)  # fmt: skip


def fit_baseline(
    spec: str | Mapping[str, Any],
    X: np.ndarray,
    y: np.ndarray,
    *,
    seed: int = 0,
    unlabelled: np.ndarray | None = None,
) -> Any:
    """Fit a shallow classifier on training rows.

    Parameters
    ----------
    spec : str or mapping
        Catalog name, or ``{"name": ..., parameter: value}``.
    X : ndarray, shape (n_windows, n_features), float
        **Training rows only**. Every column is given zero mean and unit deviation; constant ones are dropped.
    y : ndarray, shape (n_windows,), int
        Class codes.
    seed : int
        Draws what the method draws.
    unlabelled : ndarray, shape (n_more, n_features), float, optional
        Windows without labels, for a method that looks at them; none of what is tested.

    Returns
    -------
    sklearn.pipeline.Pipeline
        With ``predict`` and ``predict_proba``. Without any column that varies, or a second class, it names
        the largest class.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    entry, parameters = BASELINES.resolve(spec)
    if not np.any(np.ptp(X, axis=0) > 0) or len(np.unique(y)) < 2:
        return DummyClassifier(strategy="most_frequent").fit(X, y)
    classifier = entry.function(seed, **parameters)
    scaling = make_pipeline(VarianceThreshold(), StandardScaler()).fit(X)
    more = {}
    if entry.facts["unlabelled"] and unlabelled is not None and len(unlabelled):
        more["unlabelled"] = scaling.transform(unlabelled)
    return make_pipeline(*scaling, classifier.fit(scaling.transform(X), y, **more))
