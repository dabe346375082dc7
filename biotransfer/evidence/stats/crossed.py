"""People and seeds are both a sample: a test of the mean that lets both vary."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check, check_option


class CrossedTest(NamedTuple):
    """What :func:`crossed_test` found.

    ``statistic``, ``df`` and ``p`` of the test; ``error``, the standard error of the mean; ``people``,
    ``seeds`` and ``rest``, the standard deviations of the three parts.
    """

    statistic: float
    df: float
    p: float
    error: float
    people: float
    seeds: float
    rest: float


def crossed_test(d: ArrayLike, alternative: str = "two-sided", *, mean: float = 0.0) -> CrossedTest:
    """Test a mean difference when all people share the networks of a seed.

    Parameters
    ----------
    d : array_like, shape (n_people, n_seeds), float
        One difference per person and seed, at least two of each.
    alternative : {"two-sided", "greater", "less"}
        Which means count against ``mean``.
    mean : float
        The mean under test.

    Returns
    -------
    CrossedTest
        With no spread at all the statistic is 0 (p = 1) or infinite (p = 0 on the side it lies on).

    Raises
    ------
    BiotransferError
        With fewer than two people or seeds, or values that are not finite.

    Notes
    -----
    Model: d_ps = mean + person_p + seed_s + rest_ps, all random. The mean of the table has the variance
    (MS_people + MS_seeds - MS_rest) / (n_people n_seeds), where MS_seeds - MS_rest counts as 0 when it is
    negative: the test over people is the special case in which seeds share nothing. Degrees of freedom after
    Satterthwaite 1946, doi:10.2307/3002019, equation 17; the ratio is the quasi-F of Clark 1973,
    doi:10.1016/S0022-5371(73)80014-3. A source network is shared by all people of its seed, so its luck
    does not average out over people.

    Examples
    --------
    >>> test = crossed_test([[0.04, 0.06], [0.02, 0.05], [0.03, 0.05]])
    >>> round(test.statistic, 2), round(test.df, 2), round(test.p, 3)
    (3.37, 1.25, 0.143)
    """
    from scipy.special import stdtr

    values = np.asarray(d, dtype=np.float64)
    check(
        values.ndim == 2 and min(values.shape) >= 2 and bool(np.isfinite(values).all()),
        f"d of shape {values.shape} with {int((~np.isfinite(values)).sum())} values that are not finite. "
        "Expected one finite difference per person and seed, at least two of each. Run more seeds.",
    )
    check_option("alternative", alternative, ["two-sided", "greater", "less"])
    n_people, n_seeds = values.shape
    center, rows, columns = values.mean(), values.mean(1), values.mean(0)
    rest = values - rows[:, None] - columns + center
    df = np.array([n_people - 1, n_seeds - 1, (n_people - 1) * (n_seeds - 1)], dtype=np.float64)
    squares = np.array(
        [n_seeds * ((rows - center) ** 2).sum(), n_people * ((columns - center) ** 2).sum(), (rest**2).sum()]
    )
    square = np.where(squares > (1e-14 * np.abs(values).max()) ** 2, squares, 0.0) / df
    signs = np.array([1.0, 1.0, -1.0]) if square[1] > square[2] else np.array([1.0, 0.0, 0.0])
    total = float(signs @ square)
    freedom = total**2 / float(np.abs(signs) @ (square**2 / df)) if total > 0 else float(df[0])
    error = float(np.sqrt(total / values.size))
    distance = float(center - mean)
    if error == 0:
        statistic = float(np.copysign(np.inf, distance)) if distance else 0.0
    else:
        statistic = distance / error
    lower = float(stdtr(freedom, statistic)) if np.isfinite(statistic) else float(statistic > 0)
    upper = float(stdtr(freedom, -statistic)) if np.isfinite(statistic) else float(statistic < 0)
    p = {"two-sided": min(1.0, 2 * min(lower, upper)), "greater": upper, "less": lower}[alternative]
    parts = np.sqrt(
        np.maximum([(square[0] - square[2]) / n_seeds, (square[1] - square[2]) / n_people, square[2]], 0.0)
    )
    return CrossedTest(statistic, freedom, p, error, *(float(part) for part in parts))
