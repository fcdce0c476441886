"""Mapping: what a network's codes have in common, as neighbours and as maps of two dimensions."""
