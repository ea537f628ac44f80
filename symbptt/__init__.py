"""symbptt derives backpropagation through time.

>>> import symbptt
>>> d = symbptt.derive("elman")
>>> d.gradients["W_hh"], d.adjoints["h"].interior
(Σ_{t=1}^T δ^z_t*h_{t-1}.T, W_hh.T*δ^z_{t+1} + W_hy.T*δ^o_t)
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from symbptt.api import (
        check,
        compile,
        derive,
        explain,
        export,
        from_torch,
        load,
        render,
        unroll,
        verify,
    )

#: The public face; nothing is imported before it is asked for.
_PUBLIC = (
    "check",
    "compile",
    "derive",
    "explain",
    "export",
    "from_torch",
    "load",
    "render",
    "unroll",
    "verify",
)

__all__ = [
    "__version__",
    "check",
    "compile",
    "derive",
    "explain",
    "export",
    "from_torch",
    "load",
    "render",
    "unroll",
    "verify",
]


class _Face(ModuleType):
    """The package: ``render``, ``compile`` and ``check`` share their names with subpackages.

    Importing a subpackage would put it in the place of the function; the function stays.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name in _PUBLIC:
            return getattr(import_module("symbptt.api"), name)
        raise AttributeError(f"module 'symbptt' has no attribute '{name}'")

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *_PUBLIC})


sys.modules[__name__].__class__ = _Face
