"""The sentence of the paper that each verdict judges, word for word.

The copy of the text at hand has lost its symbols. Words in brackets are restored from its
tables and context (``[CW+10k]``, ``[≥]``), lost (``[?]``) or left out (``[…]``). A test finds every other
word in the text, in a section that the claim names.
"""

from __future__ import annotations

QUOTES: dict[str, str] = {
    # Chinese
    "zh-headline": "[CW+10k] achieves a statistically significant win rate of 62.75% against the baseline ([p < 0.001])",
    "zh-only-one": "establishing it as the only configuration to meaningfully outperform general-purpose training",
    "zh-parity": "[CW+5k] reaches parity (50.00%), while [CW+1k] and [CW] underperform at 42.16% and 35.78% respectively",
    "zh-monotone": "Performance exhibits monotonic improvement with increasing general data proportions",
    "zh-gain": "This 25.5 percentage point improvement represents a substantial gain attributable to the specialized creative writing data",
    "threshold": "A ratio of at least one creative sample to twelve general samples is needed to achieve optimal performance; below this threshold, the win rate progressively degrades (from 62.75% down to 35.78%)",
    "process-supervision": "process supervision improves Chinese creative writing from 35.78% to 62.75%",
    # English
    "en-baseline": "The baseline [G] maintains dominance with win rates ranging from 53.54% against [CW+10k] to 76.49% against [CW]",
    "en-monotone": "The monotonic improvement with increasing general data (from 23.51% to 46.46%) indicates that Chinese-centric creative data […] does not transfer effectively to English generation",
    "no-transfer": "creative capabilities are culturally-bound with no cross-lingual transfer",
    "gap-89": "no cross-lingual transfer (89.26pp gap between Chinese and English performance)",
    "gap-16": "creative capabilities are language-specific with 16.29% performance gap between Chinese and English",
    "culturally-bound": "creative patterns are culturally encoded at the reasoning level, not merely at the vocabulary level",
    "data-availability": "reflect fundamental differences in data availability rather than inherent limitations of process supervision",
    "confusion-cw": "[CW] produces Chinese text in 12.18% of English prompts (43/353), compared to 1.13% for [CW+10k] and 1.42% for [G]",
    "confusion-trend": "Contamination correlates inversely with general data proportion, with intermediate rates for [CW+1k] (1.70%) and [CW+5k] (1.42%)",
    # Diversity and length
    "ttr-paradox": "Table 4 and Figure 5 reveal an inverse correlation between lexical diversity and quality",
    "ttr-lowest": "highest Type-Token Ratio (TTR) (0.678) corresponds to lowest preference scores (37.25%)",
    "ttr-identical": "For English, despite identical TTR (0.590), [CW+10k] underperforms by 7 percentage points",
    "length-english": "the baseline produces the longest outputs (4,069.9 characters) and achieves highest win rates, suggesting a positive correlation between generation length and quality in this domain",
    "length-verbosity": "achieving superior win rates, indicating that performance gains stem from content quality rather than mere verbosity",
    "length-shares": "while [CW+10k] approaches baseline length (98.3% of baseline characters), it still underperforms in preference evaluations, indicating that factors beyond length […] determine English generation quality",
    "length-variance": "variance in output length decreases as more general data is incorporated, with [CW] exhibiting the highest variability across both languages",
    # The dataset
    "genres-51": "1,665 meticulously curated triplets spanning 51 genres",
    "minimum-15": "balanced genre representation with minimum 15 samples per category",
    "categories-7": "The dataset spans 7 main categories",
    "domains-8": "Our final taxonomy encompasses 51 specific genres organized across eight primary domains",
    "thirty-percent": "Communication and Novel categories each represent 30% of the dataset, followed by Non-fiction (14.6%) and Functional Writing (13.3%)",
    "overall-means": "Average character lengths are 283 for prompts, 1,089 for reasoning processes, and 2,214 for articles",
    "category-means": "Communication | 481 | 28.9 | 12|1,584|9,422",
    "longest-prompt": "prompts from 30–2,642 characters",
    "queries-104": "developed 104 evaluation queries covering all 51 genres (minimum two queries per genre)",
    "general-22k": "Process supervision requires minimum 22k general samples",
    "ratio-12": "quantities selected to span ratios from 1:1.2 to 1:12 (creative to general samples)",
    "sum-50": "Triplets must satisfy dual thresholds to advance: cumulative score [≥] 50 and individual dimension scores [≥] 8, ensuring both overall excellence and consistent quality across all facets",
    "cut-off": "To ensure temporal relevance and avoid potential contamination with foundation model training data, we strictly limited collection to content published after October 2022",
    # What outputs look like
    "disconnected": "[G] exhibits logical disconnection between paragraphs despite fluent surface form",
    "unformatted": "[?] produces unformatted text blocks without proper segmentation",
    "one-task": 'In the "Wu Song Fights Tiger" reinterpretation task requiring critical commentary, [?] correctly incorporates the meta-narrative critique, while [?] defaults to literal retelling',
    "slogans": "advertisements and slogans benefit from [?]’s incorporation of classical poetry and idioms, while [?] and [?] produce simplified vocabulary",
    "technical-genres": 'Technical genres ("instruction manuals", "proposals") show no distinguishable quality differences in human evaluation',
    "abstract-genres": 'Abstract tasks (homophonic wordplay "XiLaNai", experimental "crazy literature") fail across all models with [<] 15% success rate',
    "reasoning-zh": "The [?] configuration exhibits balanced distributions across all reasoning types, with increased frequencies of deep reasoning and self-exploration phases compared to the baseline",
    "reasoning-en": "The baseline model maintains consistent deep reasoning throughout generation, while COIG-Writer variants exhibit disrupted reasoning flows with excessive self-reflection but limited deep reasoning",
    "reasoning-explains": "explains the performance degradation, providing mechanistic evidence for the lack of cross-lingual transfer in creative capabilities",
    # Beyond the counts
    "ratings": "Four trained graduate evaluators assessed model outputs using a standardized 4-point scale (0–3) across five dimensions",
    "agreement": "each evaluator assessed outputs from five specific models, achieving high inter-rater agreement and minimizing evaluation bias",
    "two-components": "we identify a two-component model of creative writing: narrative logic (provided by process supervision) and linguistic expression (maintained by general-purpose data)",
    "ttr-diagnostic": "TTR could serve as an early warning for training imbalances",
    "acceptance": "Initial review achieved [≈] 70% acceptance rate",
}  # fmt: skip
