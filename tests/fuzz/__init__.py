"""Inputs of strangers, mutated: each attempt ends in a result or a BiotransferError, within 10 s and 1 GB.

A kind of input (in ``kinds/``, a ``KINDS`` mapping for each family) has whole seeds, what spoils them, and
what is attempted with them. ``test_fuzz.py`` tries a few, ``make fuzz`` many (``benchmarks/fuzz.py``).
An input that was found stays in ``cases/KIND/CAUSE``.
"""
