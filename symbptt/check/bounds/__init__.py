"""Comparisons: bounds are searched for a counterexample, the rest is tried as an equation."""
