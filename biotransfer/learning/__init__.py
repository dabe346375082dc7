"""Networks, their weights, and the only optimiser loop with its engines."""
