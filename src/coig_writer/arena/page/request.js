// One way to ask a server, for the arena and the workbench. A failed request throws an Error whose message is
// for the person at the page: what `problems` says of its status, by default what the server says.

export async function request(path, body, problems) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, { credentials: "same-origin", ...options });
  const reply = await response.json().catch(() => ({}));
  if (response.ok || reply.outcome) return reply; // an outcome is an answer, whatever its status
  const said = problems[response.status] ?? reply.error ?? `HTTP ${response.status}`;
  throw Object.assign(new Error(said), { status: response.status });
}
