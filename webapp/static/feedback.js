// "Wrong? It was ...": whoever wants to gives the drawing and the digit that was meant. It is on
// the page only where the server was started with a file to keep it in, and sends nothing until
// a digit is pressed.

import { find, make } from "./dom.js";
import { send } from "./server.js";
import { inWords, say } from "./words.js";

export function offerFeedback(drawing) {
  if (!find("feedback")) return;
  for (let digit = 0; digit < 10; digit += 1) {
    find("feedback-digits").append(make("button", { type: "button",
      "aria-label": say("feedback.digit", { digit }),
      onclick: async () => {
        const given = drawing.strokes;
        const said = await give(given, digit);
        if (drawing.strokes === given) find("feedback-done").textContent = said;
      },
    }, String(digit)));
  }
  drawing.addEventListener("change", () => { find("feedback-done").textContent = ""; });
}

/** Send the strokes and their label; gives what to say about it. */
async function give(strokes, label) {
  if (!strokes.length) return say("feedback.only_drawings");
  const { body, refused } = await send("api/feedback", { strokes, label });
  if (body) return say("feedback.thanks", { digit: label });
  return refused ? say("feedback.failed", { message: inWords(refused) }) : say("feedback.away");
}
