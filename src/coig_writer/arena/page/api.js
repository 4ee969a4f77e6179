// The arena's routes. A failed request throws an Error whose message is for the reader.

async function request(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, { credentials: "same-origin", ...options });
  const reply = await response.json().catch(() => ({}));
  if (response.ok) return reply;
  const said = reply.error ?? (typeof reply.detail === "string" ? reply.detail : `HTTP ${response.status}`);
  throw Object.assign(new Error(reply.remedy ? `${said} · ${reply.remedy}` : said), { status: response.status });
}

export const api = {
  study: () => request("/api/study"),
  session: (protocol, language) => request("/api/session", { protocol, language, consent: true }),
  vote: (vote) => request("/api/vote", vote),
  history: () => request("/api/history"),
  withdraw: (ballot) => request("/api/withdraw", { ballot }),
  results: (protocol, language) => request(`/api/results?protocol=${protocol}&language=${language}`),
};
