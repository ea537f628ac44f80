"""A syntax tree given meaning: roles, time indices, inferred shapes."""

from symbptt.model.bind import bind, require_bound
from symbptt.model.draft import Source
from symbptt.model.files import builtin_names, from_sources, load
from symbptt.model.model import Equation, LossTerm, Model, Role, Variable, initial_key, outside
from symbptt.model.steps import EVERY, Steps
from symbptt.model.terms import Index

__all__ = [
    "EVERY",
    "Equation",
    "Index",
    "LossTerm",
    "Model",
    "Role",
    "Source",
    "Steps",
    "Variable",
    "bind",
    "builtin_names",
    "from_sources",
    "initial_key",
    "load",
    "outside",
    "require_bound",
]
