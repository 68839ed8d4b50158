// Asking the server. Whoever draws makes sixty new questions a second, and only the newest
// matters. So questions go through a Line:
//
// - at most one request of a line is in flight; meanwhile the newest question waits, and takes
//   the place of any that waited before;
// - what is asked about a drawing that is gone (cleared, undone, replaced) is forgotten: `forget`
//   gives up the request, and its answer is never heard;
// - when the server does not answer, the newest question is asked again, after 1, 2, 4, 8 seconds;
//   when it is busy (429), after as long as it says.
//
// How the server is doing is told to whoever called `watch`.

const REST = 100;             // ms between two questions of a line: the server has other guests
const PATIENCE = 10_000;      // ms after which no answer is coming
const FIRST_RETRY = 1000;     // ms
const LAST_RETRY = 8000;      // ms

const watchers = [];

/** Call `told(state)` when it changes: {away: true}, {busy: seconds}, {refused} or {}. */
export function watch(told) {
  watchers.push(told);
}

/** Nothing is asked any more: whatever was wrong was about what is gone. */
export const allIsWell = () => tell({});

const tell = (state) => watchers.forEach((told) => told(state));

/** One request. Gives {body}, or {again: ms} when asking again makes sense, or
    {refused: {code, message}}. */
async function request(path, body, signal) {
  const init = body && { method: "POST", body: JSON.stringify(body),
    headers: { "content-type": "application/json" } };
  try {
    const patience = AbortSignal.timeout(PATIENCE);
    const response = await fetch(path, { ...init,
      signal: signal ? AbortSignal.any([signal, patience]) : patience });
    if (response.status === 429) {
      return { again: 1000 * (Number(response.headers.get("retry-after")) || 1), busy: true };
    }
    if (response.status >= 500) return { again: FIRST_RETRY };
    const answer = await response.json();
    return response.ok ? { body: answer }
      : { refused: answer.error ?? { message: String(response.status) } };
  } catch {
    return { again: FIRST_RETRY };
  }
}

const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

/** A request that goes on until it is answered; for what the page cannot do without. */
export async function get(path) {
  for (let failures = 0; ; failures += 1) {
    const reply = await request(path);
    const pause = report(reply, failures);
    if (reply.body) return reply.body;
    await sleep(Math.max(pause, FIRST_RETRY));
  }
}

/** A request that is made once: {body}, {again} or {refused}. */
export function send(path, body) {
  return request(path, body);
}

/** Tell the watchers what became of a request; gives the ms to wait before the next. */
function report(reply, failures) {
  if (reply.busy) tell({ busy: Math.ceil(reply.again / 1000) });
  else if (reply.again) tell({ away: true });
  else tell(reply.body ? {} : { refused: reply.refused });
  if (!reply.again) return REST;
  return reply.busy ? reply.again : Math.min(reply.again * 2 ** failures, LAST_RETRY);
}

export class Line {
  #waiting = null;     // the newest question that has not been asked yet
  #flight = null;      // what can give up the request that is on its way
  #resting = false;
  #failures = 0;

  /** `heard(answer, question)` is called with each answer. */
  constructor(path, heard) {
    this.path = path;
    this.heard = heard;
  }

  ask(question) {
    this.#waiting = question;
    this.#next();
  }

  /** Whether a question is still waiting to be asked: then what was heard is not the last word. */
  get hasMore() {
    return this.#waiting !== null;
  }

  forget() {
    this.#waiting = null;
    this.#flight?.abort();
    this.#flight = null;
  }

  async #next() {
    if (this.#flight || this.#resting || !this.#waiting) return;
    const question = this.#waiting;
    const flight = new AbortController();
    this.#waiting = null;
    this.#flight = flight;
    const reply = await request(this.path, question, flight.signal);
    if (flight.signal.aborted) return;
    this.#flight = null;
    if (reply.again) this.#waiting ??= question;
    const pause = report(reply, this.#failures);
    this.#failures = reply.again ? this.#failures + 1 : 0;
    this.#rest(pause);
    if (reply.body) this.heard(reply.body, question);
  }

  async #rest(ms) {
    this.#resting = true;
    await sleep(ms);
    this.#resting = false;
    this.#next();
  }
}
