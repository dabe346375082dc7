"""Words of the report, for readers who meet them for the first time."""

from __future__ import annotations

GLOSSARY = (
    (
        "arm",
        "One way to start and train the target network, such as from random weights or from weights "
        "learned on the other signal. All arms see the same people, labels, updates and seeds.",
    ),
    (
        "scratch",
        "The baseline: the same network from random weights.",
    ),
    (
        "control",
        "An arm that shares a side effect of transfer but not the knowledge: permuted weights, weights "
        "drawn anew with the same scale, a source whose labels were shuffled, a source of noise. What a "
        "control gains, too, is no transfer.",
    ),
    (
        "positive control",
        "Other people of the target's own data set, carried over the same way. If even these do not help, "
        "the study could not have seen transfer.",
    ),
    (
        "own donors",
        "The people of the positive control, kept apart from training and testing.",
    ),
    (
        "not assayable",
        "The positive control did not gain what must be seen, or source or target is at chance: nothing "
        "follows about transfer, neither that it helps nor that it does not.",
    ),
    (
        "positive",
        "The arm gains over the baseline and over every control, with a corrected p below alpha.",
    ),
    (
        "negative",
        "The arm loses against the baseline in a study that could have seen a gain.",
    ),
    (
        "equivalent",
        "Gain and loss beyond the margin are both ruled out, in a study that could have seen them.",
    ),
    (
        "inconclusive",
        "The study could have seen a gain, and its interval still holds both.",
    ),
    (
        "margin",
        "The smallest difference that would matter, fixed before the study: the shaded band.",
    ),
    (
        "points",
        "Percentage points of an accuracy: from 60 % to 62 % is a gain of 2 points.",
    ),
    (
        "95 % interval",
        "Of studies like this one with other people and seeds, 95 % have an interval that holds the true "
        "mean.",
    ),
    (
        "p (Holm)",
        "The probability of a difference this large by luck, corrected for the number of claims.",
    ),
    (
        "new people",
        "Test people of whom no window was trained on.",
    ),
    (
        "shuffled windows",
        "A split that puts neighbouring windows of one person into training and test: it leaks.",
    ),
    (
        "budget",
        "How much labelled data of the target the arms may train on.",
    ),
    (
        "step 0",
        "Before any update: the head is fresh there, so that levels are near chance whatever the body knows.",
    ),
    (
        "head, body",
        "The last layer, which names the classes and is always fresh, and all layers below it.",
    ),
    (
        "frozen",
        "Carried over and not trained. Frozen arms are compared with frozen random weights.",
    ),
    (
        "seed",
        "One repetition with other random weights, order of batches and source network.",
    ),
    (
        "detectable",
        "The true gain that this design calls positive in four of five studies.",
    ),
    (
        "nuisance",
        "What should not carry the label, such as mains hum or the level of a signal.",
    ),
)
"""Term and meaning, in the order in which a reader meets them."""
