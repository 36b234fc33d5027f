"""Tools that train or measure but are no frameworks: witness, reference, ceiling, chip, probing."""
