"""Witnesses that know nothing of the adjoint rules: what "verified" means.

1. **Exact.**  Arithmetic modulo 2⁶¹ − 1 at random points, against forward-mode derivatives:
   :mod:`~symbptt.evidence.exact` for given T, :mod:`~symbptt.evidence.induction` for every T.
2. **Floating point.**  Complex-step derivatives of the plain forward pass
   (:mod:`~symbptt.evidence.complex_step`) and, for the Elman models, backpropagation written by
   hand (:mod:`~symbptt.evidence.numeric_bptt`).
3. **Frameworks,** where asked: PyTorch's and JAX's functions and autograd
   (:mod:`~symbptt.evidence.frameworks`).
"""
