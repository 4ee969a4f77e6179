// The arena's routes.

import { request as ask } from "/page/request.js";
import { t } from "/page/strings.js";

const request = (path, body) => ask(path, body, t("problems")).catch((error) => {
  throw error.status ? error : new Error(t("offline")); // the browser's own words are in its language
});

export const api = {
  study: () => request("/api/study"),
  session: (protocol, language) => request("/api/session", { protocol, language, consent: true, page: true }),
  vote: (vote) => request("/api/vote", vote),
  history: () => request("/api/history"),
  authors: (protocol, language) => request("/api/authors", { protocol, language }),
  withdraw: (ballot) => request("/api/withdraw", { ballot }),
  results: (protocol, language) => request(`/api/results?protocol=${protocol}&language=${language}`),
};
