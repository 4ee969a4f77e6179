"""How often genres are assigned rightly: python -m benchmarks.genre [--shared DIR] [--held-back].

1. Calibration. Texts with a known genre: the 101 Chinese prompts of WritingPreferenceBench (arXiv
   2510.14616), each alone and with its 12 answers, and the kit's samples and benchmark queries, scored by
   classifiers that were fitted without them (four folds). Half of the prompts, by sha256, is there to tune
   on: weights are fitted on it and on the requests that train the classifier (each scored by one that was
   fitted without it) and compared by five-fold cross-validation; the other half is scored on request.
2. The same prompts one by one: what is taken for what.
3. Synthetic corpora with tables of their own: published counts and lengths as constraints, right
   and with 3 % of the counts wrong, beside the signals alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import itertools
import time
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from coig_writer import benchmark
from coig_writer.files import read_rows
from coig_writer.preference.rates import wilson
from coig_writer.taxonomy import published
from coig_writer.text import genre
from coig_writer.text.genre import CALIBRATION, Calibration
from dataset_builder.official import fit, published_counts, synthetic
from dataset_builder.official.assign import THRESHOLD
from dataset_builder.packing import samples

FILE = "data/writing_preference_bench_zh.jsonl.gz"
# Weights before anything was fitted: rules and classifier on the prompt, then both on the article.
# A classifier gives 1 to a perfect match, where rules give 3 to 10.
PLAIN = (1.0, 5.0, 0.5, 20.0)
UNCALIBRATED = Calibration(PLAIN, damping=0.0, floor=1e-12)
BINS = (0.0, 0.1, 0.4, 0.7, 0.9, 1.01)
# Labels that a reader would not give, by the first words of the prompt: said here, scored as they are.
DOUBTFUL = {
    "撰写《油气田地层水": "asks for the abstract of a paper, labelled as a tutorial",
    "请撰写5条广告标语": "asks for slogans, labelled as advertising copy",
    "写一个设定在民国时期的悬疑推理故事": "asks for a mystery, labelled as a historical story",
}


def prompts(path: Path) -> dict[str, tuple[str, str]]:
    """Reads prompt id → (genre slug, prompt)."""
    return {
        row["prompt_id"]: (published().genre(row["genre_zh"]).slug, row["prompt"])
        for _, row in read_rows(path)
    }


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def even(prompt_id: str) -> bool:
    """Tells whether a prompt is in the half that rules may be tuned on."""
    return _hash(prompt_id) % 2 == 0


@dataclasses.dataclass(frozen=True)
class Cases:
    """Texts with a known genre, reduced to their signals.

    Attributes:
        source: (cases,) where they are from.
        prompt: (cases,) id of the prompt; answers to one prompt share it.
        label: (cases,) index of the genre.
        signals: (cases, 4, genres).
    """

    source: NDArray[np.str_]
    prompt: NDArray[np.str_]
    label: NDArray[np.int64]
    signals: NDArray[np.float64]

    def of(self, chosen: NDArray[np.bool_]) -> Cases:
        """Returns some of the cases."""
        return Cases(
            self.source[chosen], self.prompt[chosen], self.label[chosen], self.signals[chosen]
        )

    def with_(self, more: Cases) -> Cases:
        """Returns these cases and others."""
        return Cases(
            np.concatenate([self.source, more.source]),
            np.concatenate([self.prompt, more.prompt]),
            np.concatenate([self.label, more.label]),
            np.concatenate([self.signals, more.signals]),
        )

    @functools.cached_property
    def weight(self) -> NDArray[np.float64]:
        """Each prompt weighs the same in its source, however many answers it has; they sum to 1."""
        pairs = [f"{s} {p}" for s, p in zip(self.source, self.prompt, strict=True)]
        times = Counter(pairs)
        share = np.array([1 / times[pair] for pair in pairs])
        result: NDArray[np.float64] = share / share.sum()
        return result


def cases(path: Path) -> Cases:
    """Reads every text with a known genre; those of the preference benchmark only if they are at hand."""
    labelled: list[tuple[str, str, str, NDArray[np.float64]]] = []
    if path.is_file():
        for prompt_id, (label, prompt) in prompts(path).items():
            labelled.append(("prompts", prompt_id, label, genre.signals(prompt)))
        for _, row in read_rows(path):
            label = published().genre(row["genre_zh"]).slug
            signals = genre.signals(row["prompt"], row["response"])
            labelled.append(("with answers", row["prompt_id"], label, signals))
    labelled += _own()
    order = genre.genres()
    sources, ids, labels, signals_ = zip(*labelled, strict=True)
    truth = np.array([order.index(label) for label in labels])
    return Cases(np.array(sources), np.array(ids), truth, np.stack(signals_))


def _own(folds: int = 4) -> list[tuple[str, str, str, NDArray[np.float64]]]:
    """Scores the kit's own texts, each by a classifier that was fitted without it."""
    texts = fit.texts()
    triplets = samples.read(published())
    pairs = [(t.prompt, t.article, str(t.genre)) for t in triplets]
    asked = [(q.query, "", q.genre) for q in benchmark.queries("zh")]
    scored = []
    for fold in range(folds):
        # A hash of another seed than the halves have, or a fold would be a half.
        out = {text for text, *_ in (*pairs, *asked) if _hash(f"fold {text}") % folds == fold}
        away = out | {article for prompt, article, _ in pairs if prompt in out}
        model = fit.fit(
            {part: [p for p in pairs_ if p[0] not in away] for part, pairs_ in texts.items()}
        )
        for name, some in (("own prompts", asked), ("own pairs", pairs)):
            scored += [
                (name, prompt, label, genre.signals(prompt, article, model))
                for prompt, article, label in some
                if prompt in out
            ]
    return scored


def requests(folds: int = 5) -> Cases:
    """Scores the requests that train the classifier, each by one that was fitted without it.

    No rule was tuned on them either, so they show the calibration what rules are worth elsewhere.
    """
    texts, asked = fit.texts()["prompt"], fit.requests()
    signals = np.zeros((len(asked), 4, len(genre.genres())))
    fold = np.array([_hash(f"fold {prompt}") % folds for prompt, _ in asked])
    for number in range(folds):
        away = {prompt for (prompt, _), f in zip(asked, fold, strict=True) if f == number}
        known = [pair for pair in texts if pair[0] not in away]
        model: genre.Classifier = {"prompt": fit.fit_weights(known, fit.PENALTY["prompt"])}
        for row in np.flatnonzero(fold == number):
            signals[row] = genre.signals(asked[row][0], classifier=model)
    label = np.array([genre.genres().index(slug) for _, slug in asked])
    ids = np.array([prompt for prompt, _ in asked])
    return Cases(np.array(["requests"] * len(asked)), ids, label, signals)


def fitted(some: Cases, penalty: float = 0.01) -> Calibration:
    """Fits the calibration: least log loss, with a pull towards plain weights."""
    start = np.array([*np.log(PLAIN), 0.0, -4.0])

    def read(values: NDArray[np.float64]) -> Calibration:
        first, second, third, fourth = np.exp(values[:4]).tolist()
        return Calibration(
            (first, second, third, fourth), float(values[4]), float(1 / (1 + np.exp(-values[5])))
        )

    def loss(values: NDArray[np.float64]) -> float:
        pull = penalty * float(((values - start) ** 2).sum())
        return losses(genre.calibrated(some.signals, read(values)), some)[0] + pull

    return read(minimize(loss, start, method="L-BFGS-B").x)


def losses(logs: NDArray[np.float64], some: Cases) -> tuple[float, float]:
    """Returns log loss and Brier score (the sum over genres, from 0 to 2), each prompt weighing the same."""
    chosen = np.arange(len(some.label))
    wanted = np.eye(logs.shape[1])[some.label]
    brier = ((np.exp(logs) - wanted) ** 2).sum(axis=1)
    return float(-(some.weight * logs[chosen, some.label]).sum()), float(
        (some.weight * brier).sum()
    )


def cross_validated(some: Cases, beside: Cases, folds: int = 5) -> NDArray[np.float64]:
    """Returns log probabilities of each case by a calibration that was fitted on other prompts.

    Args:
        some: The cases.
        beside: Cases that take part in every fit.
        folds: Number of parts, of which one is scored by a fit on the others.
    """
    fold = np.array([_hash(f"calibration {prompt}") % folds for prompt in some.prompt])
    logs = np.zeros((len(some.label), some.signals.shape[2]))
    for number in range(folds):
        here = fold == number
        logs[here] = genre.calibrated(some.signals[here], fitted(some.of(~here).with_(beside)))
    return logs


def _report_losses(name: str, logs: NDArray[np.float64], some: Cases) -> None:
    loss, brier = losses(logs, some)
    print(f"{name:<30} log loss {loss:.3f}   Brier {brier:.3f}")


def report_tuning(tuned: Cases, beside: Cases) -> None:
    """Prints the fitted calibration, its losses and what each threshold would decide."""
    print(f"fitted on the tuning half: {fitted(tuned.with_(beside))}")
    print(f"shipped:                   {CALIBRATION}")
    cross = cross_validated(tuned, beside)
    _report_losses("tuning half, plain", genre.calibrated(tuned.signals, UNCALIBRATED), tuned)
    _report_losses("tuning half, cross-validated", cross, tuned)
    print(f"tuning half at {THRESHOLD}: {_decided(cross, tuned, THRESHOLD)}")
    # On the kit's own texts and on the requests no rule was tuned, so these choose the threshold.
    own = np.char.startswith(tuned.source, "own")
    others = cross_validated(beside, tuned)
    print("the kit's own texts of the tuning half and the requests, cross-validated, by threshold:")
    for threshold in np.arange(0.3, 0.95, 0.05):
        for name, logs, some in (
            ("texts", cross[own], tuned.of(own)),
            ("requests", others, beside),
        ):
            print(f"  {threshold:.2f}  {name:<9} {_decided(logs, some, float(threshold))}")


def report_held_back(held: Cases) -> None:
    """Prints losses, what the threshold decides and how far confidence can be believed."""
    logs = genre.calibrated(held.signals)
    _report_losses("held-back half, plain", genre.calibrated(held.signals, UNCALIBRATED), held)
    _report_losses("held-back half, shipped", logs, held)
    print(f"held-back half at {THRESHOLD} (decided, right among them [by prompt]):")
    for source in dict.fromkeys(held.source.tolist()):
        here = held.source == source
        print(f"  {source:<14}{_decided(logs[here], held.of(here), THRESHOLD)}")
    print(f"  {'all':<14}{_decided(logs, held, THRESHOLD)}")
    print("held-back half by confidence (claimed, right [by prompt]):")
    top = np.exp(logs.max(axis=1))
    for low, high in itertools.pairwise(BINS):
        here = (top >= low) & (top < high)
        if here.any():
            claimed = float(np.average(top[here], weights=held.weight[here]))
            right = _right(logs[here], held.of(here))
            print(f"  {low:.1f}-{min(high, 1):.1f}  {here.sum():>4} cases  {claimed:.2f}  {right}")


def _decided(logs: NDArray[np.float64], some: Cases, threshold: float) -> str:
    sure = np.exp(logs.max(axis=1)) >= threshold
    share = float(some.weight[sure].sum())
    return f"{100 * share:.0f} % decided, {_right(logs[sure], some.of(sure))}"


def _right(logs: NDArray[np.float64], some: Cases) -> str:
    """Renders the share that is right, with an interval for as many trials as there are prompts."""
    share = float(np.average(logs.argmax(axis=1) == some.label, weights=some.weight))
    number = len(set(some.prompt.tolist()))
    rate = wilson(share * number, number)
    return f"{100 * share:.0f} % right [{100 * rate.low:.0f}, {100 * rate.high:.0f}] of {number} prompts"


def report_half(name: str, half: list[tuple[str, str]], *, confusion: bool) -> None:
    """Prints decided and right of one half, and what was confused with what."""
    guesses = [genre.best(genre.softmax(genre.log_odds(text)))[0] for _, text in half]
    decided = [g.probability >= THRESHOLD for g in guesses]
    right = [g.genre == label for g, (label, _) in zip(guesses, half, strict=True)]
    among = sum(r for r, d in zip(right, decided, strict=True) if d)
    rate = wilson(among, sum(decided))
    print(
        f"{name}: decided {sum(decided)} of {len(half)} ({100 * sum(decided) / len(half):.0f} %), right among them "
        f"{among} ({100 * among / sum(decided):.0f} % [{100 * rate.low:.0f}, {100 * rate.high:.0f}]); right among all {sum(right)}"
    )
    if not confusion:
        return
    table = Counter(
        (label, g.genre, d)
        for g, (label, _), d, r in zip(guesses, half, decided, right, strict=True)
        if not r
    )
    for (label, guess, sure), count in sorted(table.items()):
        print(f"  {label:<28} taken for {guess:<28}{count}  {'decided' if sure else 'left open'}")


def report_prompts(path: Path, *, held_back: bool) -> None:
    """Prints one half or both, and the labels that look wrong."""
    rows = prompts(path)
    report_half("tuned on (even half)", [r for k, r in rows.items() if even(k)], confusion=True)
    if held_back:
        odd = [r for k, r in rows.items() if not even(k)]
        report_half("held back (odd half)", odd, confusion=True)
    print("labels that look wrong, scored as they stand:")
    for opening, why in DOUBTFUL.items():
        matches = [label for label, text in rows.values() if text.strip().startswith(opening)]
        print(f"  {opening}…: {why} ({', '.join(matches) or 'not found'})")


def report_corpora(seeds: int) -> None:
    """Prints accuracy with and without constraints per seed."""
    print(
        f"{'seed':<6}{'signals':>9}{'counts':>9}{'all':>9}{'3% wrong':>10}{'pinned right':>15}{'counts met':>12}{'seconds':>9}"
    )
    for seed in range(seeds):
        drawn = synthetic.corpus(seed)
        alone = np.mean(drawn.log_probability.argmax(axis=1) == drawn.truth)
        start = time.perf_counter()
        everything = published_counts.solve(drawn.log_probability, drawn.lengths, drawn.tables)
        seconds = time.perf_counter() - start
        # Without a single extreme in the rows, only the counts take part.
        nowhere = np.zeros_like(drawn.lengths)
        counts = published_counts.solve(drawn.log_probability, nowhere, drawn.tables)
        wrong = synthetic.miscounted(drawn.tables, 0.03, seed)
        miscounted = published_counts.solve(drawn.log_probability, drawn.lengths, wrong)
        shares = [np.mean(c.genre == drawn.truth) for c in (counts, everything, miscounted)]
        pinned = everything.pinned
        sure = f"{(everything.genre == drawn.truth)[pinned].sum()} of {pinned.sum()}"
        wanted = [table.count if table else 0 for table in drawn.tables]
        met = np.bincount(everything.genre, minlength=len(wanted)).tolist() == wanted
        print(
            f"{seed:<6}{alone:>9.3f}{shares[0]:>9.3f}{shares[1]:>9.3f}{shares[2]:>10.3f}{sure:>15}{met!s:>12}{seconds:>9.1f}"
        )


def main() -> None:
    """Runs all parts; the second needs the labelled prompts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(__file__).parents[2] / "shared"
    parser.add_argument("--shared", type=Path, default=default, help="folder with data/")
    parser.add_argument("--seeds", type=int, default=20, help="synthetic corpora (default: 20)")
    parser.add_argument(
        "--held-back",
        action="store_true",
        help="score the held-back half too; decision 51 counts how often that was done",
    )
    arguments = parser.parse_args()
    every = cases(arguments.shared / FILE)
    tuning = np.array([even(prompt) for prompt in every.prompt])
    report_tuning(every.of(tuning), requests())
    if arguments.held_back:
        report_held_back(every.of(~tuning))
    if (arguments.shared / FILE).is_file():
        report_prompts(arguments.shared / FILE, held_back=arguments.held_back)
    else:
        print(f"labelled prompts are not at hand ({FILE}): they and part 2 are left out")
    report_corpora(arguments.seeds)


if __name__ == "__main__":
    main()
