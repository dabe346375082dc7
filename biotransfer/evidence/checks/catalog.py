"""The diagnostics of a study, by their numbers."""

from __future__ import annotations

from collections.abc import Callable

from ...catalog import Catalog, Entry, Fact
from ...results import Results
from . import copies, findings, guards
from .common import Finding, Touch
from .findings import fitted_on_test_rows
from .frame import Fault, Frame
from .nuisance import mains_carries_label, nuisance_carries_label, touched_by_mains


def _entry(
    identifier: str,
    function: Callable[[Results], Finding],
    question: str,
    mend: str,
    source: str = "own",
    *,
    leads: Callable[[Results], list[Touch]] | None = None,
) -> Entry:
    facts = {"id": identifier, "mend": mend, "leads": leads}
    return Entry(function.__name__, question, function, source, facts)


def _guard(
    identifier: str,
    function: Callable[[Frame], list[Fault]],
    question: str,
    mend: str,
    clean: str,
    source: str = "own",
) -> Entry:
    facts = {"id": identifier, "mend": mend, "before": True, "clean": clean}
    return Entry(function.__name__, question, function, source, facts)


CHECKS = Catalog(
    "check",
    [
        _guard("C01", guards.leaking_split, "Can near copies of test windows be in training?",
               "Use split: {by: subject}.", "No split lets near copies of test windows into training.",
               "Kapoor & Narayanan 2023, doi:10.1016/j.patter.2023.100804"),
        _entry("C02", findings.too_few_people, "Could any difference have been significant?",
               "Record or load more people; six are the least for 0.05."),
        _entry("C03", findings.control_as_good, "Does a control explain the gain?",
               "Read the gain over the best control, not over scratch.",
               "Maennel et al. 2020, arXiv:2006.10455"),
        _entry("C04", findings.missing_controls, "Was every control run?", "Add them to arms."),
        _entry("C05", findings.source_at_chance,
               "Did the source network learn anything that holds for other people?",
               "Choose another source, more people or longer training; to judge it by more people, raise "
               "pretrain.held_out, or lower pretrain.draw_people."),
        _entry("C06", findings.target_at_chance, "Can the target be learned at all?",
               "Choose other features, a longer training or another network."),
        _entry("C07", findings.little_carried, "Was enough of the network carried over to matter?",
               "Choose a network whose body holds most parameters, or align the inputs to one shape."),
        _entry("C08", findings.frozen_with_fresh_stem, "Is frozen_body a linear probe?",
               "Use an align step that gives both modalities the same number of inputs."),
        _entry("C09", findings.still_rising, "Had the baseline finished learning?", "Raise train.epochs."),
        _entry("C10", findings.data_defects, "Is something wrong with the recordings?",
               "See: biotransfer inspect RECIPE, or the name of the data set."),
        _guard("C11", guards.label_is_recording, "Can a class be told from its recording or its day?",
               "Use split: {by: subject}, or record every class several times, each day.",
               "The name of its recording or session does not tell the class of a test window."),
        _entry("C12", findings.luck_of_seeds, "Could the seeds alone have made the difference?",
               "Raise seeds."),
        _entry("C13", findings.simulated_data, "Are the signals real?", "Name a real data set."),
        _entry("C14", mains_carries_label, "Does mains hum tell the classes apart?",
               "Record all classes in one session, in random order, on batteries; until then no result of "
               "this set can be read as one about the signal. A notch filter alone does not mend it.",
               "Ojala & Garriga 2010, JMLR 11:1833 (the null)", leads=touched_by_mains),
        _entry("C15", nuisance_carries_label, "Do other features that should not carry the label carry it?",
               "Look at the recordings (biotransfer inspect NAME), clean or leave out what differs by class, "
               "and read no gain as one about the signal until an arm is clearly above these features. Level "
               "and slow deflections also follow what the brain does: they are a warning, not a proof.",
               "Ojala & Garriga 2010, JMLR 11:1833 (the null)"),
        _guard("C16", copies.shared_samples, "Does the same signal stand in training and test?",
               "Leave out one of the copies, or split by subject where one person has both.",
               "No recording repeats another across a split, by the content of the signals.",
               "Kapoor & Narayanan 2023, doi:10.1016/j.patter.2023.100804"),
        _guard("C17", copies.same_people, "Is a tested person in a source, or in training by another name?",
               "Give the source other subjects, or keep people of the target aside ({people: 1}); give one "
               "person one name.",
               "No id, no declaration and no signal that stands in both says that a tested person is in a "
               "source. One person under two names is not seen in new recordings: write same_people."),
        _guard("C18", guards.unequal_tuning, "Was one arm tuned on the target where another was not?",
               "Keep one choice of parameters per method, made before; or give the baseline as many.",
               "Every way to transfer is tried with as many choices of parameters as the baseline."),
        _entry("C19", fitted_on_test_rows, "Were scaler, selector or alignment fitted on test rows?",
               "Fit them on split.fit_rows.", "Kaufman et al. 2012, doi:10.1145/2382577.2382579"),
        _entry("C20", findings.inputs_of_weights, "Do given weights stand for the target's inputs?",
               "Give the study the channels, features and preprocessing on the weights' card."),
        _entry("C21", findings.inputs_without_meaning,
               "Does an input of the target mean what it meant to the source network?",
               "Use align: matched, or a network that all channels share (channel_wise); read a null result "
               "of this mapping as one about the mapping."),
        _entry("C22", findings.people_who_stand_out, "Does a person stand out, or make a verdict alone?",
               "Look at the recordings (biotransfer inspect NAME). Leave somebody out only by a rule that "
               "was fixed beforehand; report the verdict with and without."),
        _entry("C23", findings.trainings_diverged, "Did the loss of a training explode?",
               "Lower train.learning_rate: --set train.learning_rate=1.0e-4, and look for features without a "
               "scale (scale: standard).", leads=findings.touched_by_divergence),
        _entry("C24", findings.several_machines, "Were numbers of several processors put together?",
               "Nothing, where last bits do not matter; else run all of it on one machine: "
               "biotransfer rerun STUDY says what that changes."),
    ],
    {
        "id": Fact("Its number."),
        "mend": Fact("How to mend what it finds."),
        "leads": Fact("Says which verdicts it touches, before which it is told; without it, none.",
                      Callable | None, default=None),
        "before": Fact("Whether it looks before anything is trained, and can stop the study.", bool,
                       default=False),
        "clean": Fact("What it says, before anything is trained, where it finds nothing.", default=""),
    },
    word="checks",
)  # fmt: skip
