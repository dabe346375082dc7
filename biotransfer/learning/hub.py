"""The Hugging Face hub: getting checkpoints, and sharing weights with a card that people can read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BiotransferError, check
from ..files import parse_json, read_json, read_text, temporary_folder
from .weights import Weights, card_lines, load_weights, save_weights

_NAME = "weights"


def _library() -> Any:
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise BiotransferError(
            "huggingface_hub is not installed. Type: pip install 'biotransfer[hub]'"
        ) from error
    return huggingface_hub


def download(
    repo: str,
    file: str,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    endpoint: str | None = None,
) -> Path:
    """Get one file of a repository, from the cache where it is there.

    Parameters
    ----------
    repo : str
        ``owner/name``.
    file : str
        Its name in the repository.
    revision : str, optional
        Commit, tag or branch; a commit pins the content.
    cache_dir : path, optional
        Where files are kept; the library's own place when not given.
    endpoint : str, optional
        Address of another server.

    Returns
    -------
    Path
        Of the file, below a folder named after its commit.

    Raises
    ------
    BiotransferError
        When the file cannot be had.
    """
    hub = _library()
    try:
        return Path(
            hub.hf_hub_download(repo, file, revision=revision, cache_dir=cache_dir, endpoint=endpoint)
        )
    except Exception as error:
        raise BiotransferError(
            f"{repo}/{file} cannot be had from the hub: {' '.join(str(error).split())[:300]} Download it "
            "yourself and name the file instead."
        ) from error


def push_weights(
    weights: Weights,
    repo: str,
    *,
    private: bool = True,
    token: str | None = None,
    message: str = "Share weights",
    endpoint: str | None = None,
) -> str:
    """Put weights, their facts and a readable card into a repository of the hub; it is made where absent.

    Parameters
    ----------
    weights : Weights
        What to share.
    repo : str
        ``owner/name``.
    private : bool
        Whether a new repository is hidden from others.
    token : str, optional
        The account's; the one stored by ``hf auth login`` when not given.
    message : str
        Of the commit.
    endpoint : str, optional
        Address of another server.

    Returns
    -------
    str
        Address of the commit.

    Raises
    ------
    BiotransferError
        When the hub refuses.
    """
    check(
        repo.count("/") == 1, f"repo={repo!r} is no repository. Expected owner/name, such as 'lab/emg-mlp'."
    )
    hub = _library()
    api = hub.HfApi(endpoint=endpoint, token=token)
    with temporary_folder() as folder:
        save_weights(weights, folder / _NAME)
        checksum = read_json(folder / f"{_NAME}.json")["checksum"]
        (folder / "README.md").write_text(model_card(weights, repo, checksum), encoding="utf-8")
        try:
            api.create_repo(repo, private=private, exist_ok=True)
            commit = api.upload_folder(repo_id=repo, folder_path=str(folder), commit_message=message)
        except Exception as error:
            raise BiotransferError(
                f"the hub did not take {repo!r}: {' '.join(str(error).split())[:300]} "
                "Sign in with: hf auth login"
            ) from error
    return str(commit.commit_url)


def pull_weights(
    repo: str,
    *,
    revision: str | None = None,
    checksum: str | None = None,
    cache_dir: str | Path | None = None,
    endpoint: str | None = None,
) -> Weights:
    """Get weights that :func:`push_weights` shared.

    Parameters
    ----------
    repo, revision, cache_dir, endpoint
        See :func:`download`.
    checksum : str, optional
        Of the card, as the repository's page says it: it holds for all that the card says and, by the card's
        digest, for the numbers.

    Raises
    ------
    BiotransferError
        When they cannot be had, are not whole, or not those that were meant.
    """
    files = [
        download(repo, f"{_NAME}{suffix}", revision=revision, cache_dir=cache_dir, endpoint=endpoint)
        for suffix in (".safetensors", ".json")
    ]
    weights = load_weights(files[0])
    found = parse_json(read_text(files[1], repr(str(files[1])), ""), repr(str(files[1])), "").get("checksum")
    check(
        checksum is None or found == checksum,
        f"{repo} holds weights whose card has checksum={found}, and {checksum} was asked for. Name the "
        "commit that has them: revision='...'.",
    )
    return weights


def model_card(weights: Weights, repo: str, checksum: str = "") -> str:
    """Return the README of a repository with weights: Markdown with the hub's tags on top.

    Parameters
    ----------
    weights : Weights
        Described by their facts.
    repo : str
        ``owner/name``.
    checksum : str
        Of the card.
    """
    pinned = f', checksum="{checksum}"' if checksum else ""
    network: Mapping[str, Any] = weights.card.get("network", {})
    tags = ["biotransfer", *filter(None, [str(weights.card.get("modality", "")), "time-series"])]
    rows = "\n".join(f"| {name} | {text} |" for name, text in card_lines(weights).items())
    return (
        "---\nlibrary_name: biotransfer\ntags:\n"
        + "".join(f"- {tag}\n" for tag in tags)
        + f"---\n\n# {repo.split('/')[1]}\n\n"
        f"Weights of a network ({network.get('name', 'unnamed')}) for biosignals, to start another one "
        "from.\n\n"
        f"| | |\n|---|---|\n{rows}\n\n"
        "```python\nimport biotransfer\n\n"
        f'weights = biotransfer.pull_weights("{repo}"{pinned})\n```\n\n'
        "They were trained as the table says and on nobody else: what they know of other people, devices and "
        "tasks has to be measured there.\n"
    )
