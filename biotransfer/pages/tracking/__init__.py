"""Finished studies in the tools of others: tables that any tool reads, MLflow, TensorBoard."""

from __future__ import annotations

from .exporting import EXPORTS, export_study

__all__ = ["EXPORTS", "export_study"]
