"""Scores generations and reports on them: python -m eval_tasks STAGE."""
