"""What a document's text is: its pages, its mathematics with places, its formulas."""
