"""The kit's lighteval tasks: declarations only.

name:
COIG-Writer

dataset:
the kit's benchmark queries, or $COIG_WRITER_BENCHMARK

abstract:
Creative writing in Chinese and English over 51 genres: lexical diversity, length, language
confusion, requirements of the query, coherence, style and reasoning. `coig_writer` runs each query
once; `coig_writer_category` and `coig_writer_genre` are supersets of their own.

languages:
chinese, english

tags:
creative-writing, generation

paper:
https://arxiv.org/abs/2510.14763
"""

from __future__ import annotations

from coig_writer.benchmark import LANGUAGES
from coig_writer.scoring.task import by_category, by_genre, task

TASKS_TABLE = [
    *(task(f"coig_writer:{language}", language) for language in LANGUAGES),
    *(declared for language in LANGUAGES for declared in by_category(language)),
    *(declared for language in LANGUAGES for declared in by_genre(language)),
]
