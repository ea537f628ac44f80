"""What a document states: links of formulas, definitions, forward equations, its models."""
