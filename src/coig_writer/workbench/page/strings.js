// Every word of the workbench, in Chinese and English. A test holds the two to the same keys.

import { saying } from "/page/preferences.js";

export const STRINGS = {
  zh: {
    title: "工作台", skip_to_form: "跳到表单", size: "字号", theme: "明暗", mine: "我做过的", language_switch: "English", close: "关闭",
    work_annotate: "标注", work_exercise: "练习", exercise: "练习", practice: "不计", counts: "计入资格，只答一次", training_title: "先做练习", training_text: "每个题目两道定级题都答对，就可以领文章了。", training_failed: (topics) => `没有通过：${topics}。负责人可以让你再试一次。`,
    topics: { good_text: "什么是好文章", prompt: "反推提示", reasoning: "构思过程", culture: "文化分寸" },
    work_review: "审核", work_panel: "题目评审",
    progress: (done, waiting) => `已提交 ${done} · 待做 ${waiting}`,
    welcome: (alias) => `你好，${alias}`, lead: "一次一篇。写到哪里存到哪里，随时可以停下，换一台设备接着做。",
    consent_title: "开始之前",
    consent_text: "目的：还原文章的写作提示和构思过程，或审核它们；提交的文字会成为数据集的一部分并公开。我们保存：你写的每一稿、跳过和标记的理由、每条花的时间，以及你的代号；不保存姓名、账号和 IP 地址。你可以随时退出：草稿会被删除，已经提交并被采用的文字留下，作者改记为“已退出”。",
    consent_agree: "我已读过以上说明，自愿参加", begin: "开始", retry: "再试一次", look_again: "再看看有没有新的",
    unreachable: "连不上服务器", done_title: "眼下都做完了", done_text: "有新的条目时，同一个链接会再给你。", failed_title: "打不开", offline: "连不上服务器。写下的字存在这台设备上，连上后自动送出。",
    uninvited_title: "需要邀请", uninvited: "请打开负责人发给你的邀请链接。", sign_in: "用 Hugging Face 账号登录", sign_out: "退出登录", unlisted_title: "这个账号不在名单上", unlisted: "请负责人把你的 Hugging Face 账号加进名单，或打开发给你的邀请链接。", no_work: "这里没有分给你的工作。", operator: "打开管理页",
    left_title: "你已经退出", left_text: "草稿已删除。谢谢你做过的一切。", gone: "这一条已经不在了", nothing_yet: "还没有。", open: "打开",
    leave: "退出这个项目…", leave_sure: "退出后草稿会被删除，且不能恢复。确定吗？", minutes: (n) => `${n} 分钟`,
    state_open: "在写", state_submitted: "已提交", state_skipped: "已跳过", state_released: "已转给别人", state_set_aside: "已搁置",
    untitled: "无题", round: (n) => `第 ${n} 稿`, tab_text: "文章", tab_form: "表单",
    step_attributes: "一、四个字段", step_prompt: "二、写作提示", step_reasoning: "三、构思过程", prompt: "提示", prompt_hint: "具体，又留余地。不照抄文中连续 8 个字以上，不写人名。",
    fields: {
      theme: ["主题", "写什么，想到哪一层"], style: ["风格", "语气、视角、语体"], structure: ["结构", "怎样开合"], culture: ["文化", "习语、风俗、默认的常识"],
      planning: ["立意", "怎样读这个提示，想达到什么"], structure_style: ["结构与风格", "布局、视角、语气怎么定，放弃了什么"], culture_context: ["文化与语境", "用了哪些习俗语汇，为谁而用"],
      development: ["推进", "一步步怎样走，每步为什么跟在上一步后面"], revision: ["修改", "回头看哪里不对，怎样改"],
    },
    count: (n) => `${n} 字`, count_range: (n, min, max) => `${n} 字（论文此类 ${min}–${max}）`,
    copied: (n) => `提示里有 ${n} 个字与文章相同（两边已标出）；连续 8 个字以上请改写`,
    near: (query, share) => `与评测题 ${query} 有 ${share}% 相同；一半以上会被去掉`,
    still: (what) => `还差：${what}`, earlier: "上一稿（划去的是你改掉的）", take_earlier: "从这一稿改起", returned: "退回的理由",
    criteria: { i: "一、提示引得出文章，又不写死", ii: "二、构思每一步都推得出来", iii: "三、构思说明了主要取舍的理由", iv: "四、三者互不矛盾", review: "审核意见" },
    aids: "模型的分析与草稿（供参考）", ask_usability: "文章可用吗", ask_article: "分析文章", ask_pair: "对照提示与文章", ask_draft: "请模型起草", take_draft: "取用模型草稿", replace_sure: "会换掉已经写下的内容。确定吗？", drafted: "已填入模型草稿；你改了多少，会如实记录", drafted_mark: "这一条向模型要过草稿：提交时逐部分比较，记下是人写的、模型写的，还是改过的模型稿。",
    hand_in: "提交", more: "更多", reason: "理由", skip: "跳过这一条", flag: "告诉负责人", versions: "以前的版本", restore: "取回", skipped: "已跳过", flagged: "负责人会看到", handed_in: "已提交",
    incomplete: (what) => `还不能提交：${what}。写下的都存好了`,
    status_fresh: "边写边存", status_typing: "…", status_saved: (when) => (when ? `已存 ${when}` : "已存"), status_failed: (why) => `没存上：${why}。字还在这台设备上，会自动再试`, status_stale: "另一台设备先存了", status_removed: "这一条已撤下",
    two_versions: "两份不同的稿子", two_versions_note: "另一台设备（或另一个窗口）也存了一稿。选一份继续；另一份仍在“以前的版本”里。", two_verdicts_note: "另一台设备也存了一份，现在显示的是那一份。", this_device: "这台设备上的", other_device: "已经存下的", keep_this: "用这一份",
    text_changed: "文章刚刚被改过，左边是新的。你写的都在，请再读一遍，然后提交。", removed: "这一条已撤下", removed_note: "这一条刚被撤下。你写的已经存好，不会丢。", go_on: "继续",
    part_prompt: "写作提示", part_reasoning: "构思过程", part_article: "文章", mark: "标出一段文字", mark_hint: "选中一段再点（Alt+M）；不选中，则可以输入", mark_typed: "输入或粘贴要标出的文字（提示、构思或文章中的原文）", mark_missing: "三篇文字里都没有这一段，请照原文输入。", unmark: "去掉标记",
    review_criteria: {
      consistency: ["语义一致", "提示要的、构思说的、文章写的，是同一件事吗"], authenticity: ["地道", "语言、风俗、器物、称谓对不对"],
      coherence: ["构思连贯", "每一步推得出下一步，主要取舍都有理由"], diversity: ["于体裁有益", "这个体裁里，它带来新的东西吗"],
    },
    met: "满足", unmet: "不满足", verdict: "结论", verdict_accept: "接受", verdict_refine: "退回修改", verdict_remove: "移除", verdict_undefined: "未定", cause: "移除的原因",
    causes: { factual_error: "文章有事实错误", guideline: "违反内容准则" }, note: "意见", note_hint: "退回或移除时必填：改哪里、为什么，写给改的人看。",
    no_verdict: "请先选结论", no_criteria: "请逐项选满足或不满足", as_gold: "与标准一致", not_as_gold: "与标准不同", gold_says: (verdict) => `标准：${verdict}`,
    problems: { 401: "请打开负责人发给你的邀请链接", 403: "这件事你现在不能做", 404: "这一条已经不在了", 413: "太长了，请分开写", 422: "内容不合格式，请重新打开页面", 429: "太快了，请稍等", 500: "服务器出错，请稍后再试", 503: "暂时存不了，请不要关页面，稍后再试" },
  },
  en: {
    title: "Workbench", skip_to_form: "Skip to the form", size: "Text size", theme: "Light or dark", mine: "What I did", language_switch: "中文", close: "Close",
    work_annotate: "Write", work_exercise: "Exercises", exercise: "Exercise", practice: "for practice", counts: "counts, answered once", training_title: "Exercises first", training_text: "Articles come once both questions that count are right in each of the four topics.", training_failed: (topics) => `Not passed: ${topics}. The operator can let you try again.`,
    topics: { good_text: "what a good text is", prompt: "working back to a prompt", reasoning: "the reasoning", culture: "cultural care" },
    work_review: "Review", work_panel: "Queries",
    progress: (done, waiting) => `${done} submitted · ${waiting} waiting`,
    welcome: (alias) => `Welcome, ${alias}`, lead: "One text at a time. What you type is saved as you type; stop whenever you like and go on elsewhere.",
    consent_title: "Before you begin",
    consent_text: "Purpose: to restore the prompt and the reasoning behind a text, or to review them; what is submitted becomes part of a public dataset. We keep every draft, your reasons for skipping and flagging, the time per item, and your alias; no name, account or IP address. You may leave at any time: drafts are erased, accepted work stays and its author is recorded as “withdrawn”.",
    consent_agree: "I have read this and take part of my own free will", begin: "Begin", retry: "Try again", look_again: "Look for new items",
    unreachable: "the server cannot be reached", done_title: "Nothing left for now", done_text: "The same link will show new items when there are some.", failed_title: "This could not be opened", offline: "The server cannot be reached. What you wrote is on this device and is sent when it answers again.",
    uninvited_title: "An invitation is needed", uninvited: "Open the link that was sent to you.", sign_in: "Sign in with Hugging Face", sign_out: "Sign out", unlisted_title: "This account is not on the list", unlisted: "Ask the operator to add your Hugging Face account, or open the invitation link that was sent to you.", no_work: "There is no work for you here.", operator: "Open the operator's page",
    left_title: "You have left", left_text: "Your drafts are erased. Thank you for what you did.", gone: "This item is gone", nothing_yet: "Nothing yet.", open: "Open",
    leave: "Leave this project…", leave_sure: "Your drafts are erased for good when you leave. Are you sure?", minutes: (n) => `${n} min`,
    state_open: "open", state_submitted: "submitted", state_skipped: "skipped", state_released: "given to somebody else", state_set_aside: "set aside",
    untitled: "Untitled", round: (n) => `draft ${n}`, tab_text: "Text", tab_form: "Form",
    step_attributes: "1. Four attributes", step_prompt: "2. The prompt", step_reasoning: "3. The reasoning", prompt: "Prompt", prompt_hint: "Specific, and open enough. No run of 8 characters from the text, no names.",
    fields: {
      theme: ["Theme", "the subject and how deep it goes"], style: ["Style", "tone, point of view, register"], structure: ["Structure", "how it opens, moves and closes"], culture: ["Culture", "idioms, customs, what readers are assumed to know"],
      planning: ["Planning", "how the prompt is read, what the aim is"], structure_style: ["Structure and style", "layout, voice, tone, what was given up"], culture_context: ["Culture and context", "which customs and words, for whom"],
      development: ["Development", "each step, and why it follows the last"], revision: ["Revision", "what was wrong on rereading, and the change"],
    },
    count: (n) => `${n} characters`, count_range: (n, min, max) => `${n} characters (the paper: ${min}–${max})`,
    copied: (n) => `${n} characters in a row are the text's own (marked in both); rewrite runs of 8 and more`,
    near: (query, share) => `${share}% of benchmark query ${query}; from half on a triplet is dropped`,
    still: (what) => `still missing: ${what}`, earlier: "The earlier draft (struck: what you changed)", take_earlier: "Start from this draft", returned: "Why it came back",
    criteria: { i: "i. the prompt motivates the text without fixing it", ii: "ii. each step of the reasoning follows", iii: "iii. the reasoning justifies the major choices", iv: "iv. the three do not contradict each other", review: "Review" },
    aids: "A model's analysis and draft", ask_usability: "Is the text usable?", ask_article: "Analyse the text", ask_pair: "Compare prompt and text", ask_draft: "Ask for a draft", take_draft: "Take the model's draft", replace_sure: "This replaces what you wrote. Are you sure?", drafted: "The model's draft is filled in; how much of it stays is recorded", drafted_mark: "A model's draft was asked for here: on submission each part is compared with it and recorded as yours, the model's, or edited.",
    hand_in: "Submit", more: "More", reason: "Reason", skip: "Skip this item", flag: "Tell the operator", versions: "Earlier versions", restore: "Restore", skipped: "Skipped", flagged: "The operator will see it", handed_in: "Submitted",
    incomplete: (what) => `Not yet: ${what}. What you wrote is saved`,
    status_fresh: "saved as you type", status_typing: "…", status_saved: (when) => (when ? `saved ${when}` : "saved"), status_failed: (why) => `not saved: ${why}. It is still on this device and is sent again`, status_stale: "another device was first", status_removed: "this item was taken away",
    two_versions: "Two versions", two_versions_note: "Another device or window saved as well. Choose one to go on with; the other stays under “Earlier versions”.", two_verdicts_note: "Another device saved as well; what you see now is that version.", this_device: "On this device", other_device: "Already saved", keep_this: "Go on with this",
    text_changed: "The text was edited just now; the new one is shown. All you wrote is here: read it again, then submit.", removed: "This item was taken away", removed_note: "This item was taken away. What you wrote is saved.", go_on: "Go on",
    part_prompt: "Prompt", part_reasoning: "Reasoning", part_article: "Text", mark: "Mark a passage", mark_hint: "select it first (Alt+M), or type it", mark_typed: "Type or paste the passage, word for word from the prompt, the reasoning or the text", mark_missing: "None of the three texts contains this. Type it word for word.", unmark: "Remove the mark",
    review_criteria: {
      consistency: ["Consistency", "do prompt, reasoning and text speak of the same thing"], authenticity: ["Authenticity", "are language, customs, objects, forms of address right"],
      coherence: ["Coherence", "does each step lead to the next, are the main choices justified"], diversity: ["Diversity", "does it add something to its genre"],
    },
    met: "met", unmet: "not met", verdict: "Verdict", verdict_accept: "Accept", verdict_refine: "Refine", verdict_remove: "Remove", verdict_undefined: "none", cause: "Why it is removed",
    causes: { factual_error: "a factual error in the text", guideline: "a broken content guideline" }, note: "Note", note_hint: "Needed to refine or remove: what to change and why, to the person who will do it.",
    no_verdict: "Choose a verdict first", no_criteria: "Say of each criterion whether it is met", as_gold: "As the reference says", not_as_gold: "The reference says otherwise", gold_says: (verdict) => `Reference: ${verdict}`,
    problems: { 401: "open the link that was sent to you", 403: "you cannot do this now", 404: "this item is gone", 413: "this is too long", 422: "this does not fit the form; open the page again", 429: "too fast; wait a moment", 500: "the server failed; try again in a moment", 503: "nothing can be stored just now; keep the page open and try again" },
  },
};

export const t = saying(STRINGS);

// What the server says about a field, with the field's name on the page.
const FIELD = /(?:prompt_fields\.|reasoning_fields\.|\b)([a-z_]{5,})\b/g;

export const said = (text) => text.replace(FIELD, (whole, name) => (t("fields")[name] ?? t("review_criteria")[name])?.[0] ?? whole);
