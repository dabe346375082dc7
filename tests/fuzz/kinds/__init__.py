"""One module for each family of inputs; its ``KINDS`` maps names to :class:`tests.fuzz.kind.Kind`."""
