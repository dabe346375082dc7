"""The training loop in machine code: no interpreter between two operations.

A model is one row of flat arrays, and it trains for a whole epoch before the next one does, so that what it
reads and writes stays in the core's own cache.

Windows lie one after the other, each as (times, channels) with the channels last; a vector of features is one
time. Weights lie as (kernel, n_in, n_out): then what a filter sees is one stretch of memory, and small
products run fastest.
"""
