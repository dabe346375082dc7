"""One's own files: patterns, formats, labels, and the account of what was seen."""
