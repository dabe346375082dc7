"""Terms that look at windows of the tested person without labels: people of one data set share its classes.

Each is a function ``(context, *, parameters) -> Tensor, shape (n_models,)``, as every penalty.
"""
