"""Documents to formulas, formulas to claims, claims to verdicts, verdicts to reports."""
