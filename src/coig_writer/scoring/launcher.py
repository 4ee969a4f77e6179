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

    if getattr(Registry.load_all_task_configs, "custom_only", False):
        return
    Registry.load_all_task_configs = staticmethod(_custom_only(Registry))


def _custom_only(registry: Any) -> Any:
    stock = registry.load_all_task_configs

    @functools.wraps(stock)
    def load(custom_tasks: Any = None, load_multilingual: bool = False) -> Any:
        if custom_tasks is None:
            return stock(custom_tasks, load_multilingual)
        return registry._extract_configs(registry.create_custom_tasks_module(custom_tasks))

    load.custom_only = True  # type: ignore[attr-defined]
    return load
