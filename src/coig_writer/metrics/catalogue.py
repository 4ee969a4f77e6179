"""The metrics of one answer: name, definition and what it needs, in one table.

``measure`` gives every metric a value or the reason why it has none. The lighteval tasks and the
kit's own scores read the same table. Three metrics need a model's other answers as well
(``TOGETHER``), some its other answers to the same prompt (``WITHIN``), two its training rows
(``AGAINST_TRAINING``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from coig_writer.metrics import (
    behaviour,
    binding,
    coherence,
    formatting,
    length,
    lexical,
    requirements,
    style,
    within,
)
from coig_writer.metrics.answer import Answer
from coig_writer.metrics.definition import (
    ALONE,
    NO_ARTICLE,
    NO_COUNT,
    NO_FORM,
    NO_LENGTH,
    NO_LETTERS,
    NO_OTHER,
    NO_REASONING,
    NO_REQUIRED,
    NO_SCRIPT,
    NO_TOKENS,
    NOT_CHINESE,
    NOTHING_LATER,
    NOTHING_SETTLED,
    ONE_ANSWER,
    ONE_PARAGRAPH,
    OPEN_FORM,
    Kind,
    Metric,
    Missing,
    Value,
    no_article,
    or_,
    prose,
    short,
    with_query,
)
from coig_writer.text import language
from coig_writer.text.normalise import REPLACEMENT
from coig_writer.verse.form import constrained


def _blocks(
    compute: Callable[[Sequence[Sequence[str]]], float | None],
) -> Callable[[Answer], Value]:
    return prose(lambda a: compute(a.blocks), ONE_PARAGRAPH)


def _confusion(threshold: str) -> Callable[[Answer], Value]:
    def value(answer: Answer) -> float | None:
        confusion = language.confusion(answer.article, answer.language)
        return None if confusion is None else float(getattr(confusion, threshold))

    return prose(value, NO_LETTERS)


def _confused_with(name: str) -> Callable[[Answer], Value]:
    def value(answer: Answer) -> float | None:
        confusion = language.confusion(answer.article, answer.language)
        return None if confusion is None else float(name in confusion.languages)

    return prose(value, NO_LETTERS)


def _length_error(answer: Answer) -> Value:
    assert answer.query is not None
    wanted = answer.query.length
    return NO_LENGTH if wanted is None else requirements.length_error(answer.article, wanted)


def _length_met(answer: Answer) -> Value:
    error = _length_error(answer)
    return error if isinstance(error, Missing) else float(error == 0)


def _required(answer: Answer) -> Value:
    assert answer.query is not None
    required = answer.query.required
    return requirements.required_share(answer.article, required) if required else NO_REQUIRED


def _form(answer: Answer) -> Value:
    query = answer.query
    assert query is not None
    if not (query.form or query.forbidden or query.sections):
        return NO_FORM
    checked = constrained(answer.article, query.form, query.forbidden, query.sections)
    return or_(checked.share, OPEN_FORM)


def _script(answer: Answer) -> Value:
    assert answer.query is not None
    if not requirements.is_script(answer.query):
        return NO_SCRIPT
    return requirements.script_share(answer.article)


def _idioms(answer: Answer) -> Value:
    if answer.language != "zh":
        return NOT_CHINESE
    return prose(lambda a: style.idiom_density(a.tokens), NO_TOKENS)(answer)


def _behaviour(name: behaviour.Behaviour) -> Metric:
    def value(answer: Answer) -> Value:
        reasoning = answer.parts.reasoning
        if not reasoning:
            return NO_REASONING
        return or_(behaviour.share(reasoning, answer.language, name), NO_REASONING)

    return Metric(
        f"reasoning_{name}",
        value,
        f"share of reasoning paragraphs that are {name.replace('_', ' ')} (Appendix C, cue lexicon)",
        "ratio",
    )


def _unbound(answer: Answer) -> Missing | None:
    """Returns why an answer's decisions cannot be measured; None where they can."""
    if not answer.parts.reasoning:
        return NO_REASONING
    if not answer.article:
        return no_article(answer)
    return None if answer.settled else NOTHING_SETTLED


def _kept(answer: Answer) -> Value:
    return _unbound(answer) or or_(binding.kept(answer.settled, answer.held), NOTHING_SETTLED)


def _bound(answers: Sequence[Answer]) -> list[Value]:
    """Returns for each answer the share of its own reasoning that its article keeps, less that of other reasonings of the genre."""
    return [_unbound(a) or _beyond(a, answers, i) for i, a in enumerate(answers)]


def _beyond(answer: Answer, answers: Sequence[Answer], place: int) -> Value:
    others = [
        other.settled
        for other in (*answers[place + 1 :], *answers[:place])
        if answer.genre is not None
        and other.genre == answer.genre
        and other.prompt != answer.prompt
    ]
    prompt = binding.Holder(answer.prompt, answer.language)
    return or_(binding.beyond(answer.settled, others, answer.held, prompt), NO_OTHER)


def _of_tokens(
    compute: Callable[[Sequence[Sequence[str]]], list[float | None]],
) -> Callable[[Sequence[Answer]], list[Value]]:
    return lambda answers: [or_(value, ALONE) for value in compute([a.tokens for a in answers])]


def moving_average(window: int) -> Callable[[Answer], float | None]:
    """Returns the measure of MATTR over windows of so many tokens."""
    return lambda a: lexical.moving_average_ttr(a.tokens, window)


LEXICAL = (
    Metric(
        "ttr",
        prose(lambda a: lexical.type_token_ratio(a.tokens), NO_TOKENS),
        "distinct tokens over tokens (paper, Table 4); falls with length",
        "ratio",
    ),
    Metric(
        "ttr_400",
        prose(lambda a: lexical.type_token_ratio_first(a.tokens, 400), short(400)),
        "TTR of the first 400 tokens",
        "ratio",
    ),
    *(
        Metric(
            f"mattr_{window}",
            prose(moving_average(window), short(window)),
            f"mean TTR of all windows of {window} tokens",
            "ratio",
        )
        for window in (50, 100)
    ),
    Metric(
        "mtld",
        prose(lambda a: lexical.mtld(a.tokens), NO_TOKENS),
        "tokens per factor of TTR .72, both directions; unstable in short texts",
    ),
    Metric(
        "hdd",
        prose(lambda a: lexical.hdd(a.tokens), short(lexical.HDD_SAMPLE)),
        "expected TTR of 42 tokens drawn at random",
        "ratio",
    ),
)
LENGTH = (
    Metric(
        "chars",
        prose(lambda a: length.characters(a.article), NO_ARTICLE),
        "characters of the article without white space",
    ),
    Metric(
        "tokens",
        prose(lambda a: len(a.tokens), NO_ARTICLE),
        "word tokens of the article: jieba for Chinese, words for English",
    ),
    Metric(
        "model_tokens",
        lambda a: or_(a.n_tokens, NO_COUNT),
        "tokens that the model emitted, reasoning included",
    ),
    Metric(
        "lines",
        prose(lambda a: length.lines(a.article), NO_ARTICLE),
        "lines of the article that are not blank",
    ),
    Metric(
        "paragraphs",
        prose(lambda a: len(a.blocks), NO_ARTICLE),
        "paragraphs: blocks between blank lines, or lines where there is no blank line",
    ),
)
FORMAT = (
    Metric(
        "headings",
        prose(lambda a: formatting.headings(a.article), NO_ARTICLE),
        "Markdown headings of the article",
    ),
    Metric(
        "list_items",
        prose(lambda a: formatting.list_items(a.article), NO_ARTICLE),
        "lines that open an item of a list",
    ),
    Metric(
        "bold", prose(lambda a: formatting.bold(a.article), NO_ARTICLE), "bold spans of the article"
    ),
)
REQUIREMENTS = (
    Metric("length_met", with_query(_length_met), "the length asked for is kept", "share"),
    Metric(
        "length_error",
        with_query(_length_error),
        "how far the length lies outside what was asked, as a share of the bound; 0 inside",
    ),
    Metric(
        "required_share",
        with_query(_required),
        "share of the query's required strings that occur in the article",
        "ratio",
    ),
    Metric(
        "form",
        with_query(_form),
        "share of the rules that are kept: the form asked for, strings forbidden, sections named",
        "ratio",
    ),
    Metric(
        "script_share",
        with_query(_script),
        "share of lines in a script's form, where a script was asked for",
        "ratio",
    ),
)
CONFUSION = (
    Metric(
        "han_share",
        prose(lambda a: language.han_share(a.article), NO_LETTERS),
        "Han characters among the letters of the article",
        "ratio",
    ),
    Metric(
        "language_confusion_any",
        _confusion("any"),
        "any text of the other language outside quotations and names, or mixed",
        "share",
    ),
    Metric(
        "language_confusion_mixed",
        _confusion("mixed"),
        "at least 5 % in the other language: of letters (en), of characters and words (zh)",
        "share",
    ),
    Metric(
        "language_confusion_wrong",
        _confusion("wrong"),
        "at least 50 % in the other language, counted in the same way",
        "share",
    ),
    *(
        Metric(
            f"language_confusion_{code}",
            _confused_with(code),
            f"{name} that was not asked for, outside quotations, names, code and addresses",
            "share",
        )
        for code, name in language.LANGUAGES.items()
    ),
)
COHERENCE = (
    Metric(
        "adjacent_cohesion",
        _blocks(coherence.adjacent_cohesion),
        "mean cosine of the content words of adjacent paragraphs",
        "ratio",
    ),
    Metric(
        "disconnected",
        _blocks(coherence.disconnected),
        "share of adjacent paragraphs without a content word in common",
        "ratio",
    ),
    Metric(
        "term_reuse",
        prose(lambda a: coherence.reuse(a.blocks), NOTHING_LATER),
        "share of content words after the first paragraph that were used before",
        "ratio",
    ),
    Metric(
        "name_reuse",
        prose(lambda a: coherence.reuse(a.names), NOTHING_LATER),
        "share of names after the first paragraph that were used before",
        "ratio",
    ),
    Metric(
        "readable_share",
        prose(lambda a: coherence.readable_share(a.article, a.language), NO_ARTICLE),
        "share of characters in paragraphs of at most 400 (zh) or 1,200 (en) characters",
        "ratio",
    ),
)
STYLE = (
    Metric("idiom_density", _idioms, "four-character idioms per 100 tokens (zh)"),
    Metric(
        "repetition_4",
        prose(lambda a: style.repetition(a.tokens, 4), short(4)),
        "share of 4-grams of tokens that repeat an earlier one",
        "ratio",
    ),
    Metric(
        "compression_ratio",
        prose(lambda a: style.compression_ratio(a.article), NO_ARTICLE),
        "UTF-8 bytes over their size under zlib; higher is more repetitive",
    ),
    Metric(
        "worn_density",
        prose(lambda a: style.worn_density(a.article, a.language), NO_ARTICLE),
        "worn phrases per 1,000 characters",
    ),
)
REASONING = (
    Metric(
        "reasoning_closed",
        lambda a: float(a.parts.state == "closed"),
        "a reasoning that ends",
        "share",
    ),
    Metric(
        "reasoning_unterminated",
        lambda a: float(a.parts.state == "unterminated"),
        "a reasoning that never ends: no article",
        "share",
    ),
    *(_behaviour(name) for name in behaviour.BEHAVIOURS),
    Metric(
        "reasoning_kept",
        _kept,
        "share of the names, quoted strings and numbers that the reasoning settles on and the article contains",
        "ratio",
    ),
)
HEALTH = (
    Metric(
        "undecodable",
        lambda a: float(a.text.count(REPLACEMENT)),
        "characters that could not be decoded (U+FFFD, half surrogate pairs)",
    ),
)
METRICS: tuple[Metric, ...] = (
    *LEXICAL,
    *LENGTH,
    *FORMAT,
    *REQUIREMENTS,
    *CONFUSION,
    *COHERENCE,
    *STYLE,
    *REASONING,
    *HEALTH,
)
# Name → its description and a function of all answers of one variant in one language.
TOGETHER: Mapping[str, tuple[str, Callable[[Sequence[Answer]], list[Value]]]] = {
    "self_bleu": (
        "BLEU-4 of an answer against the model's other answers",
        _of_tokens(style.self_bleu),
    ),
    "overuse": (
        "share of an answer's 4-grams that occur in at least three of the model's answers",
        _of_tokens(style.overuse),
    ),
    "reasoning_bound": (
        "`reasoning_kept`, less the same share for other reasonings of the genre; 0 is what chance keeps",
        _bound,
    ),
}
# Name → its description and a function of the tokens of all answers of one variant to one prompt.
WITHIN: Mapping[str, tuple[str, Callable[[Sequence[Sequence[str]]], float | None]]] = {
    "within_distinct_1": (
        "distinct tokens over tokens of a model's answers to one prompt",
        lambda answers: within.distinct(answers, 1),
    ),
    "within_distinct_2": (
        "distinct bigrams over bigrams of a model's answers to one prompt",
        lambda answers: within.distinct(answers, 2),
    ),
    "within_expectation_adjusted": (
        "distinct tokens of a model's answers to one prompt over those expected of so many draws from 30,000",
        within.expectation_adjusted,
    ),
    "within_self_bleu": (
        "mean BLEU-4 of an answer against the model's other answers to the prompt",
        within.mean_self_bleu,
    ),
    "distinct_answers": (
        "classes of a model's answers to one prompt, counted as NoveltyBench does; alike: half of the bigrams shared",
        lambda answers: within.count_distinct(answers, within.alike),
    ),
}
EMBEDDED = {
    "within_semantic_distance": "mean cosine distance of a model's answers to one prompt, under an embedding model that is named",
    "distinct_answers_classified": "classes of a model's answers to one prompt, counted as NoveltyBench does; alike: a classifier that is named says so",
}
AGAINST_TRAINING = {
    "copied_share": "share of 13-character grams that occur in the training rows",
    "longest_copied": "characters in the longest run whose 13-grams all occur in the training rows",
}
KINDS: Mapping[str, Kind] = {
    **{metric.name: metric.kind for metric in METRICS},
    **dict.fromkeys(
        (
            "self_bleu",
            "overuse",
            "copied_share",
            "within_distinct_1",
            "within_distinct_2",
            "within_self_bleu",
        ),
        "ratio",
    ),
}
AMOUNTS_OF_TEXT = ("chars", "tokens", "model_tokens")  # length itself: no end of it is better


def measure(answer: Answer) -> dict[str, Value]:
    """Returns every metric of an answer: a number, or why there is none."""
    return {metric.name: metric.compute(answer) for metric in METRICS}


def measure_together(answers: Sequence[Answer]) -> dict[str, list[Value]]:
    """Returns the metrics that need a model's other answers, one value per answer.

    Args:
        answers: All answers of one variant in one language.
    """
    return {name: of(answers) for name, (_, of) in TOGETHER.items()}


def measure_within(answers: Sequence[Answer]) -> dict[str, Value]:
    """Returns what several answers of one variant to one prompt have together; empty articles are left out."""
    written = [answer.tokens for answer in answers if answer.article]
    if len(written) < 2:
        return dict.fromkeys(WITHIN, ONE_ANSWER)
    return {name: or_(of(written), NO_TOKENS) for name, (_, of) in WITHIN.items()}
