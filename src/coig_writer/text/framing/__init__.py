"""The assistant's frame around a text: an opening that announces it, a closing or note about it."""

from coig_writer.text.framing.closing import ADDRESSING, REVIEWS, closing
from coig_writer.text.framing.opening import opening

__all__ = ["ADDRESSING", "REVIEWS", "closing", "opening"]
