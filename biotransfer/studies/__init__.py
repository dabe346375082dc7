"""A recipe, and how it becomes results: plan, trials, cache, resume and workers."""
