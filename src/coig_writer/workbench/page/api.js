// The workbench's routes; a stale version comes as an answer, with both texts.

import { t } from "/workbench/strings.js";
import { preferences } from "/page/preferences.js";
import { request as ask } from "/page/request.js";

const request = (path, body) => ask(path, body, t("problems")).catch((error) => {
  throw error.status ? error : new Error(t("unreachable")); // the browser's own words are in its language
});
const language = () => preferences.interface;

export const api = {
  about: () => request("/api/about"),
  consent: () => request("/api/consent", { agree: true }),
  next: (work) => request("/api/next", { work, language: language() }),
  open: (work, item, round) => request("/api/open", { work, item, round, language: language() }),
  mine: (work) => request("/api/mine", { work }),
  versions: (work, item, round) => request("/api/versions", { work, item, round }),
  send: (what, body) => request(`/api/${what}`, { ...body, language: language() }),
  leave: () => request("/api/leave", { leave: true }),
  assist: (what, body) => request("/api/assist", { ...body, what, language: language() }),
};
