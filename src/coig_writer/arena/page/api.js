// The arena's routes. A failed request throws an Error whose message is for the reader.

import { t } from "/page/strings.js";

async function request(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, { credentials: "same-origin", ...options });
  const reply = await response.json().catch(() => ({}));
  if (response.ok) return reply;
  const said = t("problems")[response.status] ?? reply.error ?? `HTTP ${response.status}`;
  throw Object.assign(new Error(said), { status: response.status });
}

export const api = {
  study: () => request("/api/study"),
  session: (protocol, language) => request("/api/session", { protocol, language, consent: true, page: true }),
  vote: (vote) => request("/api/vote", vote),
  history: () => request("/api/history"),
  authors: (protocol, language) => request("/api/authors", { protocol, language }),
  withdraw: (ballot) => request("/api/withdraw", { ballot }),
  results: (protocol, language) => request(`/api/results?protocol=${protocol}&language=${language}`),
};
