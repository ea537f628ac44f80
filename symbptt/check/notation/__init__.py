"""What the signs of a formula are: scripts, names, steps, conditions."""
