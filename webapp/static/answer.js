// The answer: a digit, or "not sure", or nothing while nothing is drawn; and how probable each
// digit is. It changes while one draws, so it is spoken only when the drawing has come to rest.

import { find, make } from "./dom.js";
import { percent, say } from "./words.js";

const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** How many digits of a percentage tell it from 100 %: a network may be sure from 99.9992 % on. */
const digitsFor = (share) => Math.max(1, Math.ceil(-Math.log10(Math.max(1 - share, 1e-9))) - 2);

export class Answer {
  #bars = DIGITS.map((digit) => {
    const fill = make("span", { class: "fill" });
    const share = make("span", { class: "share" });
    const row = make("li", {}, make("span", { class: "of" }, String(digit)),
      make("span", { class: "track" }, fill), share);
    return { row, fill, share };
  });

  constructor() {
    find("bars").append(...this.#bars.map(({ row }) => row));
    this.clear();
  }

  /** Where "not sure" ends; null if the network has no such line, above 1 if it is never sure. */
  drawLine(sureFrom) {
    const lined = sureFrom > 0 && sureFrom <= 1;
    find("bars").classList.toggle("lined", lined);
    find("bars").style.setProperty("--sure-from", sureFrom ?? 0);
    find("sure-from").textContent = sureFrom
      ? say(lined ? "answer.sure_from" : "answer.never_sure",
        { percent: percent(sureFrom, digitsFor(sureFrom)) }) : "";
  }

  show({ digit, sure, probabilities }, isFinal) {
    const [first, second] = [...DIGITS].sort((a, b) => probabilities[b] - probabilities[a]);
    const said = { digit, second, percent: percent(probabilities[first]),
      second_percent: percent(probabilities[second]) };
    const mood = sure ? "sure" : "unsure";
    this.#say(mood, sure ? String(digit) : "?", said);
    DIGITS.forEach((each) => this.#fill(each, probabilities[each], each === digit ? mood : ""));
    if (!isFinal) return;
    this.#speak(`${say(`answer.${mood}`, said)}. ${say(`answer.${mood}.detail`, said)}`);
  }

  clear() {
    this.#say("empty", "", {});
    DIGITS.forEach((digit) => this.#fill(digit, null, ""));
    this.#speak("");
  }

  #say(mood, digit, said) {
    find("verdict").className = `verdict ${mood}`;
    find("digit").textContent = digit;
    find("claim").textContent = say(`answer.${mood}`, said);
    find("detail").textContent = say(`answer.${mood}.detail`, said);
  }

  #fill(digit, share, mood) {
    const bar = this.#bars[digit];
    bar.row.className = mood;
    bar.fill.style.setProperty("--share", share ?? 0);
    bar.share.textContent = share === null ? "" : percent(share);
  }

  #speak(text) {
    if (find("spoken").textContent !== text) find("spoken").textContent = text;
  }
}
