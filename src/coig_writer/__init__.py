"""COIG-Writer release kit: Chinese creative writing data, mixtures, metrics, preferences, cards.

The package holds what must be importable anywhere: values and mathematics on the ground floor
(numpy, SciPy and jieba only), Parquet, facts, cards, endpoints and publication above it, and on
top what runs on every training rank, inside lighteval and on a Space. The paper is
arXiv 2510.14763.
"""

__version__ = "0.2.0"
