"""The arena: blind human preferences, from a study file to ballots, results and exports.

answers      prompts and the texts that answer them, in an order that model names cannot move
scan         what would give a model away: cleaned by a recorded rule, or refused
study        the study file: protocol, raters, overlap, repeats, seed
assignment   who sees what, in which place: balanced by construction
identity     pseudonyms, invitations and opaque ids, all from one secret
store        durable ballots in SQLite or PostgreSQL, append-only
backup       the same ballots as files in a private Hub repository
service      one rater's way through a study, without HTTP
guard        what every request passes first, and the fixed sentences of refusals
app, routes  the application and the page (``page/``: HTML, CSS and JavaScript without a build step)
board        what the votes say: win matrix, strengths, agreement, progress
export       Parquet, raw and derived; import of ranking files
planner      what a study can show before any data is there
command      ``python space/app.py [plan|invite|progress|export]``

Needs the extra ``space``. Gradio is imported when the application is made, not before.
"""
