"""Claims about the dataset itself (paper, section 2, Tables 5–10): a census, so without intervals."""

from __future__ import annotations

import itertools

from coig_writer import paper, taxonomy
from coig_writer.mixture import PUBLISHED
from eval_tasks.bilingual import Text
from eval_tasks.claims import plots
from eval_tasks.claims.claim import Claim, Finding, decide, percent

CHAPTER = "dataset"
PARTS = {"article": Text("articles", "文章"), "prompt": Text("prompts", "写作提示"), "reasoning": Text("reasoning", "构思过程")}  # fmt: skip
MINIMUM = 15


def claims() -> list[Claim]:
    """Returns the chapter."""
    return [
        genres(), minimum(), seven(), eight(), thirty(), overall_means(), category_means(),
        longest_prompt(), queries(), general_rows(), ratio(), sum_50(), cut_off(),
    ]  # fmt: skip


def _counts() -> dict[str, int]:
    return {slug: row.count for slug, row in paper.genres().items() if row is not None}


def _by_category() -> dict[str, int]:
    totals: dict[str, int] = {}
    for slug, count in _counts().items():
        category = taxonomy.published().genre(slug).category
        totals[category] = totals.get(category, 0) + count
    return totals


def genres() -> Claim:
    """46 of the 51 genres have rows."""
    filled, listed = len(_counts()), len(paper.genres())
    reason = Text(
        f"Tables 6–10 list 44 genres; Poetry and Script make {filled}. The other {listed - filled} of the {listed} in the taxonomy (meeting minutes, lab report, résumé, hip-hop and rap, role-playing) have no row.",
        f"表 6–10 列出 44 个体裁，加上诗歌与剧本共 {filled} 个。分类体系 {listed} 个体裁中另外 {listed - filled} 个（会议纪要、实验报告、简历-求职信、嘻哈-说唱、角色扮演）没有数据。",
    )
    return Claim(
        "genres-51", CHAPTER,
        Text("The dataset covers 51 genres.", "数据集覆盖 51 个体裁。"),
        "abstract; Tables 6–10, Figure 6",
        Finding(decide(filled == 51), reason, filled, n=sum(_counts().values()), unit="count"),
        plots.genres(list(_counts().values()), listed - filled, limit=None),
    )  # fmt: skip


def minimum() -> Claim:
    """Eleven genres have fewer than 15 rows; of the seven categories none has."""
    counts = _counts()
    under = [n for n in counts.values() if n < MINIMUM]
    smallest = min(_by_category().values())
    reason = Text(
        f"{len(under)} of {len(counts)} genres have fewer than {MINIMUM} rows, two of them a single one; the largest, Poetry, has {max(counts.values())}. The number holds if category means the seven main ones (the smallest, Script, has {smallest}), and then it says nothing about a balance of genres.",
        f"{len(counts)} 个体裁中有 {len(under)} 个不足 {MINIMUM} 条，其中两个只有一条；最大的诗歌有 {max(counts.values())} 条。若“category”指七个大类，这个数字成立（最小的剧本有 {smallest} 条），但那就与体裁是否均衡无关。",
    )
    return Claim(
        "minimum-15", CHAPTER,
        Text("Genres are represented in balance, with at least 15 samples per category.", "体裁分布均衡，每类至少 15 条。"),
        "section 2.3",
        Finding(decide(not under), reason, min(counts.values()), n=len(counts), unit="count"),
        plots.genres(list(counts.values()), 0, limit=MINIMUM),
    )  # fmt: skip


def seven() -> Claim:
    """Seven categories have rows."""
    totals = _by_category()
    reason = Text(
        f"{len(totals)} categories have rows, from {min(totals.values())} to {max(totals.values())}; together {sum(totals.values()):,}.",
        f"{len(totals)} 个大类有数据，从 {min(totals.values())} 条到 {max(totals.values())} 条，共 {sum(totals.values()):,} 条。",
    )
    return Claim(
        "categories-7", CHAPTER,
        Text("The rows fall into seven main categories.", "数据分为七个大类。"),
        "section 2.5; Table 5",
        Finding(decide(len(totals) == 7), reason, len(totals), n=sum(totals.values()), unit="count"),
    )  # fmt: skip


def eight() -> Claim:
    """The taxonomy has eight domains; that one is empty is another claim."""
    listed, filled = taxonomy.published(), len(_by_category())
    genres, domains = len(listed.genres), len(listed.categories)
    reason = Text(
        f"The sentence is about the taxonomy, and that has {genres} genres in {domains} domains. The dataset fills {filled} of them: Role-playing has no row. Debate, named under scripts here, is counted under communication in the tables.",
        f"这句话说的是分类体系，它确实有 {domains} 个领域、{genres} 个体裁。数据集只填充了其中 {filled} 个：角色扮演没有数据。这里把辩论归入剧本，表格中却计入传播文案。",
    )
    return Claim(
        "domains-8", CHAPTER,
        Text("The taxonomy has 51 genres in eight primary domains.", "分类体系把 51 个体裁分在八个主要领域。"),
        "section 2.1",
        Finding(decide((genres, domains) == (51, 8)), reason, domains, n=genres, unit="count"),
    )  # fmt: skip


def thirty() -> Claim:
    """28.9 and 28.0 are not 30."""
    totals = _by_category()
    published = taxonomy.published()
    shares = {slug: n / paper.ROWS for slug, n in sorted(totals.items(), key=lambda x: -x[1])}
    communication, novel = shares["communication"], shares["novel"]
    reason = Text(
        f"{totals['communication']} and {totals['novel']} of {paper.ROWS:,} rows: {percent(communication)} and {percent(novel)}. The two shares named beside them, 14.6% and 13.3%, are right to the digit. If a sign for about was lost from the text at hand, 30% is a rounding, and a generous one for {percent(novel)}.",
        f"{paper.ROWS:,} 条中各有 {totals['communication']} 条和 {totals['novel']} 条，即 {percent(communication)} 和 {percent(novel)}。同一句里的另外两个比例 14.6% 与 13.3% 精确到小数位都是对的。若原文在此处有“约”号而手头的文本丢失了它，30% 就只是取整，对 {percent(novel)} 来说还偏大。",
    )
    rows: dict[str | Text, float] = {
        Text(published.category(slug).en, published.category(slug).zh): share
        for slug, share in shares.items()
    }
    return Claim(
        "thirty-percent", CHAPTER,
        Text("Communication and Novel make up 30% each.", "传播文案与小说各占 30%。"),
        "section 2.5; Table 5",
        Finding(decide(round(100 * communication) == 30 == round(100 * novel)), reason, communication, n=paper.ROWS, subject=Text("Communication", "传播文案")),
        plots.shares(rows, 0.3, 0.35),
    )  # fmt: skip


def overall_means() -> Claim:
    """The overall means follow from the genre tables."""
    means = {part: paper.category_means(part)["overall"] for part in PARTS}
    printed = {part: getattr(paper.TABLE_5["overall"], part).mean for part in PARTS}
    holds = all(round(means[part]) == printed[part] for part in PARTS)
    shown = ", ".join(f"{means[p]:,.2f}" for p in ("prompt", "reasoning", "article"))
    reason = Text(
        f"Weighting the 46 genres by their rows gives {shown} characters: the printed means exactly.",
        f"按 46 个体裁的条数加权，得到 {shown.replace(', ', '、')} 个字符，与论文完全一致。",
    )
    return Claim(
        "overall-means", CHAPTER,
        Text("Prompt, reasoning and article average 283, 1,089 and 2,214 characters.", "写作提示、构思过程、文章平均 283、1,089、2,214 个字符。"),
        "contributions; section 2.5; Table 5",
        Finding(decide(holds), reason, means["article"], n=paper.ROWS, unit="count"),
    )  # fmt: skip


def category_means() -> Claim:
    """All fifteen means of the categories with several genres disagree with the genre tables."""
    rows: dict[Text, tuple[float, float]] = {}
    wrong = total = 0
    single = {"overall", "poetry", "script"}
    for part in PARTS:
        means = paper.category_means(part)
        for slug in (s for s in paper.TABLE_5 if s not in single):
            printed = getattr(paper.TABLE_5[slug], part).mean
            total += 1
            wrong += round(means[slug]) != printed
            if part == "article":
                category = taxonomy.published().category(slug)
                rows[Text(category.en, category.zh)] = (printed, means[slug])
    far = max(rows.items(), key=lambda r: abs(r[1][1] / r[1][0] - 1))
    reason = Text(
        f"{wrong} of {total} printed category means differ from what Tables 6–10 give when weighted by rows; for the articles of {far[0].en} {far[1][0]:,.0f} against {far[1][1]:,.0f}. Minima, maxima and counts agree, and so does the overall mean: trust the genre tables.",
        f"{total} 个大类均值中有 {wrong} 个与表 6–10 按条数加权的结果不符；例如{far[0].zh}的文章，印作 {far[1][0]:,.0f}，算得 {far[1][1]:,.0f}。最小值、最大值、条数和总体均值都一致：应以体裁表为准。",
    )
    return Claim(
        "category-means", CHAPTER,
        Text("Table 5 gives the mean length of each category.", "表 5 给出各大类的平均长度。"),
        "Appendix B; Tables 5–10",
        Finding(decide(wrong == 0), reason, wrong, n=total, unit="count"),
        plots.dumbbells(rows, (Text("printed", "论文"), Text("from genre tables", "由体裁表算得"))),
    )  # fmt: skip


def longest_prompt() -> Claim:
    """One character off."""
    longest = max(row.prompt.max for row in paper.genres().values() if row is not None)
    reason = Text(
        f"Table 5 says {longest:,}, for the whole and for Script.",
        f"表 5 的总体行与剧本行都是 {longest:,}。",
    )
    return Claim(
        "longest-prompt", CHAPTER,
        Text("The longest prompt has 2,642 characters.", "最长的写作提示有 2,642 个字符。"),
        "section 2.5",
        Finding(decide(longest == 2642), reason, longest, n=paper.ROWS, unit="count"),
    )  # fmt: skip


def queries() -> Claim:
    """The sentence says that 104 were written; what was judged are 557."""
    total = sum(paper.QUERIES.values())
    reason = Text(
        f"Every cell of Table 2 is a whole number of wins over {paper.QUERIES['zh']} Chinese or {paper.QUERIES['en']} English prompts, {total} in all, as section 3.1 says. 104 would do for two queries to each of 51 genres; whether they were written, and are part of the {total}, cannot be told, for no table uses them and no query is published.",
        f"表 2 的每一格都正好是 {paper.QUERIES['zh']} 道中文题或 {paper.QUERIES['en']} 道英文题上的整数胜场，共 {total} 题，与 3.1 节一致。51 个体裁各两题，104 题够用；但是否写过这些题、它们是否包含在 {total} 题之内，都无从得知：没有任何表格用到它们，题目也没有公布。",
    )
    return Claim(
        "queries-104", CHAPTER,
        Text("104 evaluation queries were written, at least two for each of the 51 genres.", "编写了 104 道评测题，51 个体裁每类至少两题。"),
        "section 2.4",
        Finding("not testable here", reason, total, unit="count", subject=Text("queries judged", "实际评判的题数")),
    )  # fmt: skip


def general_rows() -> Claim:
    """22k is the total, not the general part."""
    general = 2 * PUBLISHED["cw_10k"].general_per_language
    reason = Text(
        f"The largest mixture holds {general:,} general rows; {general + paper.ROWS:,} is the total with the creative ones.",
        f"最大的混合数据含 {general:,} 条通用数据；加上创作数据，总数才是 {general + paper.ROWS:,}。",
    )
    return Claim(
        "general-22k", CHAPTER,
        Text("At least 22k general samples are required.", "至少需要 2.2 万条通用数据。"),
        "section 5",
        Finding(decide(general == 22_000), reason, general, unit="count"),
    )  # fmt: skip


def ratio() -> Claim:
    """1:12 by Table 1, 1:6 by another version of the same study."""
    per_row = 2 * PUBLISHED["cw_10k"].general_per_language / paper.ROWS
    first = 2 * PUBLISHED["cw_1k"].general_per_language / paper.ROWS
    reason = Text(
        f"Table 1 gives 1:{first:.2f} to 1:{per_row:.2f}. The version of the paper under review at ICLR 2026 speaks of 10k general samples, which would be 1:{per_row / 2:.2f}, with the same win rates. Which one was trained cannot be told without the training files.",
        f"按表 1 是 1:{first:.2f} 到 1:{per_row:.2f}。而论文在 ICLR 2026 审稿时的版本写的是 1 万条通用数据，即 1:{per_row / 2:.2f}，胜率却完全相同。没有训练文件，无法判断实际训练的是哪一个。",
    )
    return Claim(
        "ratio-12", CHAPTER,
        Text("The mixtures span ratios from 1:1.2 to 1:12.", "混合数据的配比从 1:1.2 到 1:12。"),
        "section 3.1; Table 1; OpenReview pZFYu2U1pt",
        Finding("not testable here", reason, per_row, unit="count"),
    )  # fmt: skip


def sum_50() -> Claim:
    """Six scores of at least 8 sum to 48: what a second threshold at 50 adds, only the scores would tell."""
    least, most, needed, parts = 8, 10, 50, 6
    passing = list(itertools.product(range(least, most + 1), repeat=parts))
    stopped = sum(sum(scores) < needed for scores in passing)
    reason = Text(
        f"Six scores of at least {least} sum to {parts * least} already, so the sum stops triplets at 48 and 49 alone: {stopped} of the {len(passing)} ways to score {least} to {most} six times. The second threshold adds two points to what the first secures. How many triplets it stopped, and whether the rows pass, cannot be seen: no score is released, and the range is 0–10 in Figure 2 and 1–10 in the prompts of Appendix D.",
        f"六项各不低于 {least} 分，总和已达 {parts * least}，因此总分线只挡住 48 分和 49 分：六项都在 {least} 到 {most} 分之间的 {len(passing)} 种打分中只有 {stopped} 种。也就是说，第二条线只比第一条已经保证的高出两分。它究竟挡住了多少条、现有数据是否达标，都无从查看：评分没有公开，而且图 2 写 0–10 分，附录 D 的提示词写 1–10 分。",
    )
    return Claim(
        "sum-50", CHAPTER,
        Text("A sum of at least 50 over six scores, beside at least 8 each, secures overall excellence.", "六项各不低于 8 分，再加总分不低于 50，保证整体优秀。"),
        "section 2.2; Figure 2; Appendix D",
        Finding("not testable here", reason, stopped / len(passing), n=len(passing), subject=Text("scorings that only the sum stops", "只被总分线挡住的打分方式")),
    )  # fmt: skip


def cut_off() -> Claim:
    """No row has a date, and the base model is younger than the cut-off."""
    reason = Text(
        "No released row has a date or an address. And the date does not serve its purpose: the base model, Qwen2.5, appeared in 2024, so that texts of late 2022 and 2023 may stand in its training data. It takes the date of each source and the model's own cut-off.",
        "公开的数据没有日期，也没有网址。而且这个日期达不到目的：基座模型 Qwen2.5 于 2024 年发布，2022 年底和 2023 年的文本可能就在它的训练数据里。需要每条来源的日期和基座模型自身的数据截止日期。",
    )
    return Claim(
        "cut-off", CHAPTER,
        Text("All texts were published after October 2022, which keeps them out of the base model's training data.", "所有文本都发表于 2022 年 10 月之后，因而不在基座模型的训练数据里。"),
        "section 2.1",
        Finding("not testable here", reason),
    )  # fmt: skip
