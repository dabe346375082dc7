"""A mixed model of people and seeds."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check

FEWEST_PEOPLE = 6


class MixedModel(NamedTuple):
    """Mean difference of :func:`mixed_model`, its error and p, and the deviations of its random parts."""

    difference: float
    error: float
    p: float
    people: float
    rest: float


def why_no_mixed_model() -> str:
    """Say what is missing and what to type, where statsmodels is not installed; "" where it is."""
    if find_spec("statsmodels"):
        return ""
    return (
        "A mixed model needs statsmodels, which is not installed. Type: pip install 'biotransfer[evidence]'"
    )


def mixed_model(d: ArrayLike) -> MixedModel:
    """Fit a mean difference with people as a random effect and seeds inside them.

    Parameters
    ----------
    d : array_like, shape (n_people, n_seeds), float
        One difference per person and seed; six people and two seeds or more.

    Returns
    -------
    MixedModel
        ``p`` is two-sided, of a normal statistic.

    Raises
    ------
    BiotransferError
        With fewer people or seeds, values that are not finite, no spread, or without statsmodels.

    Notes
    -----
    Model: d_ps = mean + person_p + rest_ps, by restricted maximum likelihood (statsmodels.MixedLM; Laird &
    Ware 1982, doi:10.2307/2529876). Unlike :func:`crossed_test` it takes the seeds of different people for
    independent, and unlike the verdict it trusts normal theory with few people: another way to ask, no more.
    """
    values = np.asarray(d, dtype=np.float64)
    check(
        values.ndim == 2
        and bool(np.isfinite(values).all())
        and len(values) >= FEWEST_PEOPLE
        and values.shape[1] >= 2,
        f"d of shape {values.shape} with {int((~np.isfinite(values)).sum())} values that are not finite. "
        f"Expected a finite difference per person and seed, of {FEWEST_PEOPLE} people and 2 seeds or more.",
    )
    check(float(np.ptp(values)) > 0, "d has no spread: there is nothing to model. The mean says it all.")
    absent = why_no_mixed_model()
    check(not absent, absent)
    from statsmodels.regression.mixed_linear_model import MixedLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    scale = float(values.std())
    people = np.repeat(np.arange(len(values)), values.shape[1])
    with warnings.catch_warnings():
        # A person variance of zero lies on the boundary, and the fit says so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        fit = MixedLM(values.ravel() / scale, np.ones((values.size, 1)), people).fit(
            reml=True, method="powell"
        )
    return MixedModel(
        float(fit.fe_params[0]) * scale,
        float(fit.bse_fe[0]) * scale,
        float(fit.pvalues[0]),
        float(np.sqrt(max(float(np.asarray(fit.cov_re)[0, 0]), 0.0))) * scale,
        float(np.sqrt(fit.scale)) * scale,
    )
