"""COIG-Writer release kit: Chinese creative writing data, mixtures, metrics, preferences, cards.

The package holds what must be importable anywhere: values and mathematics on the ground floor
(numpy, SciPy and jieba only), Parquet, facts, cards, endpoints and publication above it, and on
top what runs on every training rank, inside lighteval and on a Space. The paper is
arXiv 2510.14763.
"""

import logging

# At its import torchao names its kernels for other platforms, and torch an enumeration of torchao: no one's concern here.
for _name in ("torchao", "torch.utils._pytree"):
    logging.getLogger(_name).setLevel(logging.ERROR)

__version__ = "0.2.0"
