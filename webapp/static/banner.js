// One quiet line that says how the server is doing, and nothing when all is well.

import { find } from "./dom.js";
import { watch } from "./server.js";
import { inWords, say } from "./words.js";

function textFor({ away, busy, refused }) {
  if (away) return say("server.away");
  if (busy) return say("server.busy", { seconds: busy });
  if (refused) return say("server.refused", { message: inWords(refused) });
  return "";
}

export function raiseBanner() {
  const banner = find("banner");
  watch((state) => {
    const text = textFor(state);
    if (banner.textContent !== text) banner.textContent = text;
    banner.hidden = text === "";
    // What is on the page belongs to an older drawing until there is a new answer.
    document.body.classList.toggle("away", text !== "");
  });
}
