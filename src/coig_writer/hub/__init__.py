"""Publication on the Hub that is all or nothing: read, check, compare, commit once, tag, read back.

``coig-writer publish PATH --to ORG/NAME`` is the command; ``release`` reads a folder, ``checks`` and
``viewer`` refuse it, ``remote`` talks to the Hub, ``publish`` puts the steps in their order.
"""
