"""Guessing how a folder of one's own files is to be read, each guess with its reason."""

from __future__ import annotations

from .folder import Guess, guess_folder, look_at

__all__ = ["Guess", "guess_folder", "look_at"]
