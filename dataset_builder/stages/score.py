"""Stage 7, score: six dimensions, each at least 8 and at least 50 together (section 2.2, Figure 2).

Article, prompt and reasoning are asked about one by one, each prompt with the text that it grades
(the printed D.5 and D.6 grade the wrong one). Wording that leaks from the article into the prompt
lowers the prompt's quality and never raises it; the printed D.4 rewards it.

Reads what validate kept; writes 07-score/: kept.jsonl, and dropped.jsonl with reasons and evidence.
"""

from __future__ import annotations

from coig_writer.document import DIMENSIONS, LOWEST, Document, QualityScores, decide, dropped
from coig_writer.text.ngrams import grams, within
from coig_writer.text.normalise import reduced
from coig_writer.workbench.prompts import Answer, digests, slots
from dataset_builder.stages.options import NoOptions
from dataset_builder.stages.parts import Outcome
from dataset_builder.stages.stage import Settings, Stage, Step, deciding

PARTS = ("article", "prompt", "reasoning")
LEAK_GRAM = 8
# Share of the prompt's 8-grams that are in the article → points off its quality.
LEAK_STEPS = ((0.30, 4), (0.15, 2), (0.05, 1))


def steps(settings: Settings, _options: NoOptions) -> list[Step]:
    """Returns the steps of the stage."""
    recorded = {
        "model": settings.required_model.name,
        "prompts": digests(*(f"score_{part}" for part in PARTS)),
        "again": settings.required_model.max_retries,
        "leak": [LEAK_GRAM, *map(list, LEAK_STEPS)],
    }
    parts = settings.parts("score", recorded)
    return deciding(lambda: (parts, lambda documents: by_model(documents, settings)))


def by_model(documents: list[Document], settings: Settings) -> list[Outcome]:
    """Asks for the scores of all three parts of each document."""
    questions = [slots(d, settings.taxonomy) for d in documents]
    answers = {part: settings.required_model.ask(f"score_{part}", questions) for part in PARTS}
    return [
        by_scores(d, {part: answers[part][i] for part in PARTS}, settings.required_model.name)
        for i, d in enumerate(documents)
    ]


def by_scores(document: Document, answers: dict[str, Answer], model: str) -> Outcome:
    """Applies leakage and the gate to one document's answers."""
    for part, answer in answers.items():
        if not answer.given:
            return dropped(document, "score", answer.state, f"{part}: {answer.detail}")
    raw = {f"{p}_{k}": a.data[k] for p, a in answers.items() for k in ("quality", "creativity")}
    leak = leakage(document.prompt or "", document.text)
    final = raw | {"prompt_quality": lowered(raw["prompt_quality"], leak)}
    record: dict[str, object] = {
        **final,
        "as_answered": raw,
        "leakage": round(leak, 4),
        "by": model,
    }
    document = document.scored("score", record)
    decision = decide(QualityScores(**final))
    if decision.keep:
        return document.noted("score", sum=sum(final.values()))
    shown = ", ".join(f"{name} {final[name]}" for name in DIMENSIONS)
    return dropped(document, "score", decision.reason, f"{shown}, leakage {leak:.2f}")


def leakage(prompt: str, article: str) -> float:
    """Returns the share of the prompt's character 8-grams that are in the article, 0–1."""
    if len(reduced(prompt)) < LEAK_GRAM:
        return 0.0
    return float(within(grams(prompt, LEAK_GRAM), grams(article, LEAK_GRAM)).mean())


def lowered(score: int, leak: float) -> int:
    """Returns a prompt's quality after leakage: never higher than before, never below 1."""
    penalty = next((points for share, points in LEAK_STEPS if leak >= share), 0)
    return max(LOWEST, score - penalty)


STAGE = Stage("score", __doc__, NoOptions, steps, uses_model=True)
main = STAGE.main
