"""Names of models. Any name is passed on to the program as it is; this only helps with typing errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._tasks_from import listed
from .sessions import _invoke

if TYPE_CHECKING:
    from .control import ModelInfo


@dataclass
class ModelSuggestions:
    """What is known of the name of a model."""

    known: bool
    """Whether it can be that of a model. A full name is not looked up: newer ones must pass."""
    suggestions: list[str]
    """What may have been meant, the likeliest first."""


def suggest_models(model: str, models: Sequence[ModelInfo | str] | None = None) -> ModelSuggestions:
    """Looks a name up.

    Args:
        model: The name.
        models: Those of the program, from ``list_models()``. Default: the aliases that are always there.

    >>> from madrigal import suggest_models
    >>> suggest_models("sonet").suggestions[0]
    'sonnet'

    """
    beside = {}
    if models is not None:
        beside["models"] = [
            dict(one) if isinstance(one, Mapping) else one for one in listed(models, "models", "suggest_models")
        ]
    return ModelSuggestions(**_invoke("suggest_models", model=model, **beside))
