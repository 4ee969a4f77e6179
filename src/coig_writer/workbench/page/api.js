// The workbench's routes. A failed request throws an Error whose message is for the person at the page.

import { t } from "/bench/strings.js";
import { preferences } from "/page/preferences.js";

async function request(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, { credentials: "same-origin", ...options });
  const reply = await response.json().catch(() => ({}));
  if (response.ok || reply.outcome) return reply; // a stale version comes with both texts
  throw Object.assign(new Error(t("problems")[response.status] ?? reply.error ?? `HTTP ${response.status}`), { status: response.status });
}

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
