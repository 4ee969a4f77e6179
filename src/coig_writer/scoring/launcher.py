"""Makes lighteval start without a network.

``lighteval`` imports every built-in task when it builds its registry; one of them downloads a file
at import. With tasks of one's own none of them is needed, so they are not loaded.
"""

from __future__ import annotations

import functools
import sys
import types
from typing import Any

_DOWNLOADS = "lighteval.tasks.tasks.tiny_benchmarks"


def offline() -> None:
    """Lets lighteval's registry load custom tasks without its built-in ones. Safe to call twice."""
    sys.modules.setdefault(_DOWNLOADS, types.ModuleType(_DOWNLOADS))
    from lighteval.tasks.registry import Registry

    registry: Any = Registry  # a method of it is exchanged
    stock = registry.load_all_task_configs
    if getattr(stock, "custom_only", False):
        return

    @functools.wraps(stock)
    def load(custom_tasks: object = None, load_multilingual: bool = False) -> object:
        if custom_tasks is None:
            return stock(custom_tasks, load_multilingual)
        return registry._extract_configs(registry.create_custom_tasks_module(custom_tasks))

    vars(load)["custom_only"] = True
    registry.load_all_task_configs = staticmethod(load)
