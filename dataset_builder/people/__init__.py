"""Work for people: work items, review and qualification."""
