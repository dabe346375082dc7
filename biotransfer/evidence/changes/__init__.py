"""What moved while the target was learned: pure functions of a network, tensors and windows.

Layer by layer (``layers``), along the line between two solutions, and in terms of features, channels and
frequencies (``attribution``).
"""
