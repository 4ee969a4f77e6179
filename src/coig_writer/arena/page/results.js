import { api } from "/page/api.js";
import { el, fill, find } from "/page/dom.js";
import { applyPreferences } from "/page/preferences.js";
import { topBar } from "/page/screens.js";
import { t } from "/page/strings.js";

async function open() {
  applyPreferences();
  topBar({ progress: null, voting: false, redraw: open });
  const study = await api.study();
  const parts = [];
  for (const protocol of study.protocols) {
    for (const language of study.languages) {
      const view = await api.results(protocol, language);
      parts.push(el("h2", {}, `${t(`protocol_${protocol}`)} · ${t(`texts_${language}`)}`), el("p", {}, view.ballots ? String(view.ballots) : t("no_votes")));
    }
  }
  fill(find("#main"), el("div", { class: "page" }, ...parts));
}
open();
