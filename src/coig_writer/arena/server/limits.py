"""Rate limits: a token bucket per key, in memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_KEYS = 50_000


class Limit:
    """Allows ``per_minute`` events per key, in bursts of at most a sixth of that (at least 5).

    Memory is bounded: the key unused for longest is forgotten first.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute / 60
        self._burst = max(5.0, per_minute / 6)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, key: str) -> bool:
        """Counts one event and says whether it is within the limit."""
        with self._lock:
            now = self._clock()
            level, last = self._buckets.pop(key, (self._burst, now))
            level = min(self._burst, level + (now - last) * self._rate)
            allowed = level >= 1
            self._buckets[key] = (level - 1 if allowed else level, now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
            return allowed
