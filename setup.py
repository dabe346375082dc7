"""Packages to install: biotransfer, and the recipes of pipelines/ in it; archives that are the same twice."""

import gzip
import os
import tarfile
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.sdist import sdist

KINDS = ("html", "css", "js", "yaml", "txt", "npz")


class SameSdist(sdist):
    """A source archive without owners, and with the time of SOURCE_DATE_EPOCH where that is given."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, owner=None, group=None):
        """Pack in the order of names."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if format != "gztar" or epoch is None:
            return super().make_archive(base_name, format, root_dir, base_dir, owner, group)

        def plain(entry):
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = int(epoch), 0, 0, "", ""
            return entry

        path = Path(f"{base_name}.tar.gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            path.open("wb") as raw,
            gzip.GzipFile("", "wb", mtime=int(epoch), fileobj=raw) as packed,
            tarfile.open(mode="w", fileobj=packed, format=tarfile.PAX_FORMAT) as archive,
        ):
            archive.add(Path(root_dir or ".") / base_dir, base_dir, filter=plain)
        return str(path)


setup(
    cmdclass={"sdist": SameSdist},
    packages=[*find_namespace_packages(include=["biotransfer*"]), "biotransfer.pipelines"],
    package_dir={"biotransfer.pipelines": "pipelines"},
    package_data={
        "biotransfer": ["py.typed", *(f"**/*.{kind}" for kind in KINDS)],
        "biotransfer.pipelines": ["*.yaml"],
    },
)  # fmt: skip
