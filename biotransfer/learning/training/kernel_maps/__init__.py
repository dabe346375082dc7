"""The training loop in machine code for maps over time: convolutions, norms by batches, pooling, dropout.

As in :mod:`.kernel` a model is one row of flat arrays and trains for a whole epoch before the next one does.
Here values lie as (channels, windows, times): a norm, an activation or a pooling runs along one stretch of
memory for every channel, and whatever mixes channels is one matrix product over all windows and times.
"""
