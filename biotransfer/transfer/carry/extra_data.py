"""Transfer through more data of the target itself: windows without labels."""

from __future__ import annotations

from dataclasses import replace

from ...errors import check, check_option
from ...learning.networks.network import Network
from ...learning.training.arm import Arm, Teacher
from ...learning.weights import Tensors, Weights
from .controls import scratch
from .starting import carry

TEACHERS = ("scratch", "transferred")
LABELS = ("soft", "hard")


def self_training(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    teacher: str = "scratch",
    labels: str = "soft",
    confidence: float = 0.0,
    ratio: int = 1,
    start: str = "source",
) -> Arm:
    """Let a teacher label the windows that have no label, and train a student on both from random weights.

    Parameters
    ----------
    teacher : {"scratch", "transferred"}
        What the teacher starts from before it is trained on the labelled windows, as any arm is.
    labels : {"soft", "hard"}
        The teacher's probabilities, or its first choice.
    confidence : float, 0 to 1
        Only windows whose most probable class reaches this probability get a label.
    ratio : int, 1 to 1000
        Such windows per labelled one in every batch of the student.
    start : str
        What a transferred teacher's weights are: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When a parameter is out of range.

    Notes
    -----
    Source: Zoph et al. 2020, arXiv:2006.06882, section 3.3. The student makes as many updates as every other
    arm, on the same labelled batches; the teacher's updates come on top. Both losses weigh by their windows.
    """
    check_option("teacher", teacher, TEACHERS)
    check_option("labels", labels, LABELS)
    check(
        0 <= confidence < 1, f"arm self_training: confidence={confidence}. Expected 0 up to 1, such as 0.9."
    )
    check(ratio >= 1, f"arm self_training: ratio={ratio}. Expected 1 or more.")
    student = replace(scratch(None, fresh, network, seed), name="self_training")
    first = student if teacher == "scratch" else carry("teacher", source, fresh, network, seed, start=start)
    return replace(student, teacher=Teacher(first, labels == "soft", confidence, ratio))


def knowledge_distillation(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    ratio: int = 1,
    start: str = "source",
) -> Arm:
    """Train a network that starts from the source, then one from random weights on its answers, too.

    Parameters
    ----------
    ratio : int, 1 to 1000
        Windows with the teacher's probabilities per labelled one in every batch of the student; they are the
        training windows again.
    start : str
        What the teacher starts from: see :func:`.begin_with`.

    Notes
    -----
    Source: Hinton, Vinyals & Dean 2015, arXiv:1503.02531, section 2, at temperature 1; differs from it in
    that teacher and student are of one size, as in Furlanello et al. 2018, arXiv:1805.04770: what is
    distilled is what the source taught. The teacher's updates come on top.
    """
    student = replace(scratch(None, fresh, network, seed), name="knowledge_distillation")
    first = carry("teacher", source, fresh, network, seed, start=start)
    return replace(student, teacher=Teacher(first, True, 0.0, ratio, of="training"))
