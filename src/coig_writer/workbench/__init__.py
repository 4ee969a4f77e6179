"""Work for people: items to annotate and to review, what comes back, and what a model is asked beside it."""
