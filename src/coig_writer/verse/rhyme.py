"""Line ends that rhyme: one group for all, as many as possible, and those outside it named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from typing import TypeVar

G = TypeVar("G")
RHYMED = 0.5  # of the lines of a text that rhymes: every second one of xaxa, all of aabb
NEAR = 2  # lines within which a rhyme is heard


def common(ends: Sequence[Set[G]]) -> tuple[G | None, tuple[int, ...]]:
    """Finds the group that most ends share.

    Args:
        ends: The groups of each end; an empty set is unknown and fits any group.

    Returns:
        The group, None if no end has one, and the numbers of the ends that are known and outside it. Where
        no two ends share a group and there are several, all are outside.
    """
    counts = Counter(group for groups in ends for group in groups)
    if not counts:
        return None, ()
    group, size = min(
        counts.items(), key=lambda item: (-item[1], "第" not in str(item[0]), str(item[0]))
    )
    known = [i for i, groups in enumerate(ends) if groups]
    if size == 1 and len(known) > 1:
        return group, tuple(known)
    return group, tuple(i for i in known if group not in ends[i])


def scheme(ends: Sequence[Set[G]]) -> str:
    """Returns the rhyme scheme: a letter per end, the same for ends that rhyme; x where nothing does.

    An end joins the earliest letter with which it still shares a group; the letter then keeps only
    what its ends have in common.
    """
    classes: list[tuple[Set[G], list[int]]] = []
    for i, groups in enumerate(ends):
        for place, (shared, members) in enumerate(classes):
            if shared & groups:
                classes[place] = (shared & groups, [*members, i])
                break
        else:
            classes.append((groups, [i]))
    letters = ["x"] * len(ends)
    rhymed = [members for _, members in classes if len(members) > 1]
    for number, members in enumerate(rhymed):
        for i in members:
            letters[i] = "abcdefghijklmnopqrstuvw"[number % 23]
    return "".join(letters)


def heard(ends: Sequence[Set[G]]) -> tuple[bool, ...]:
    """Says of each line whether it rhymes with one of the two lines before or after it."""
    return tuple(
        any(
            ends[i] & ends[j]
            for j in range(max(0, i - NEAR), min(len(ends), i + NEAR + 1))
            if j != i
        )
        for i in range(len(ends))
    )
