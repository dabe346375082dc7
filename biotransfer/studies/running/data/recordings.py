"""What a recipe loads: the data sections of its sides, and their recordings."""

from __future__ import annotations

from pathlib import Path

from ....signals.datasets import Loaded, load_dataset
from ....signals.quality import apply_decisions, read_decisions
from ....signals.windows import natural_sorted
from ...recipe import Recipe
from ...recipe.donors import AUTO, donors_asked, keeps_people, wants_proof
from ...recipe.sides import Section
from ..accounting import keep_people

_SMOKE_PEOPLE = 3


def data_sections(recipe: Recipe) -> dict[str, Section]:
    """Return what a recipe loads, by the name of the side.

    Parameters
    ----------
    recipe : Recipe
        What to do.

    Returns
    -------
    dict of str to Section
        The sides that a direction names, and "same_modality NAME" for other data of that target's modality.
    """
    ends = {end for direction in recipe.directions for end in (direction.source, direction.target)}
    sections = {name: section for name, section in recipe.sides.items() if name in ends}
    others = {name: found for name, found in recipe.same_modality.items() if isinstance(found, Section)}
    return sections | {f"same_modality {name}": section for name, section in others.items()}


def smoke_people(recipe: Recipe, name: str) -> int:
    """Return how many people of a side the recipe keeps in its smoke form; 0 outside of it.

    Two of those that are kept aside as donors stay aside, where there are two: a person is held out of the
    source then, not a recording, of which some sets have one per class. Those who validate, and who are
    tested together, come on top; so does one where every arm gets its own schedule, validated on a person.
    """
    if not recipe.smoke:
        return 0
    asked = donors_asked(recipe, name)
    free = wants_proof(recipe, name) and any(keeps_people(rule) for rule in recipe.split)
    aside = free if asked == AUTO else isinstance(asked, int) and asked > 1
    more = max(r.parameters.get("validation", 0) + r.parameters.get("n", 1) for r in recipe.split)
    return _SMOKE_PEOPLE + (more if aside else 0) + bool(recipe.tune and recipe.tune.by_arm)


def load_recordings(
    section: Section,
    data_dir: str | Path | None = None,
    *,
    smoke: int = 0,
    download: bool = True,
) -> Loaded:
    """Load the recordings of a data section."""
    recordings = load_dataset(
        section.data.name, data_dir=data_dir, download=download, **section.data.parameters
    )
    for recording in recordings if section.line_freq else ():
        recording.raw.info["line_freq"] = section.line_freq
    if section.decisions is not None:
        recordings, _ = apply_decisions(recordings, read_decisions(section.decisions))
    if smoke:
        people = natural_sorted({r.subject for r in recordings})[:smoke]
        recordings = keep_people(recordings, people)
    return recordings
