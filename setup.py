"""Packages to install: biotransfer, and the recipes of pipelines/ inside it."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["biotransfer*"]), "biotransfer.pipelines"],
    package_dir={"biotransfer.pipelines": "pipelines"},
    package_data={"biotransfer": ["py.typed", "**/*.html", "**/*.css", "**/*.yaml", "**/*.txt", "**/*.npz"],
                  "biotransfer.pipelines": ["*.yaml"]},
)  # fmt: skip
