"""What runs inside lighteval: tasks, metrics and a model that replays saved generations."""
