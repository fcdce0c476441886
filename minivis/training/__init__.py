"""Training: optimisers, data, the loop, checkpoints."""
