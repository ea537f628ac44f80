"""What a formula says: values and derivatives on the unrolled graph, readings, agreement."""
