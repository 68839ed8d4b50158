// The same drawing, read by a linear network, by the talk's own and by the best one: what each
// costs, how often it is right, and what it says to this drawing.

import { find, make } from "./dom.js";
import { number, percent, say } from "./words.js";

const SHOWN = ["linear", "seed", "best"];

export class Models {
  #cards = new Map();

  /** models: as /api/models describes them. */
  constructor(models) {
    for (const model of models.filter(({ name }) => SHOWN.includes(name))) {
      this.#cards.set(model.name, card(model));
    }
    find("cards").append(...[...this.#cards.values()].map(({ element }) => element));
  }

  get names() {
    return [...this.#cards.keys()];
  }

  show(results) {
    for (const { model, digit, sure, probabilities, milliseconds } of results) {
      const shown = this.#cards.get(model);
      if (!shown) continue;
      const said = { digit, percent: percent(probabilities[digit]) };
      shown.element.className = `card ${sure ? "sure" : "unsure"}`;
      shown.digit.textContent = sure ? digit : "?";
      shown.says.textContent = say(sure ? "models.says" : "models.says_unsure", said);
      shown.milliseconds.textContent = number(milliseconds);
      shown.bars.forEach((bar, each) => bar.style.setProperty("--share", probabilities[each]));
    }
  }

  clear() {
    for (const { element, digit, says, bars } of this.#cards.values()) {
      element.className = "card";
      digit.textContent = "";
      says.textContent = say("models.nothing");
      bars.forEach((bar) => bar.style.setProperty("--share", 0));
    }
  }
}

function card({ name, parameters, mnist, drawn, milliseconds }) {
  const measured = (share) => (share === null ? say("models.unknown") : percent(share, 2));
  const digit = make("p", { class: "digit", "aria-hidden": "true" });
  const says = make("p", { class: "says" }, say("models.nothing"));
  const time = make("dd", {},
    milliseconds === null ? say("models.unknown") : number(milliseconds));
  const bars = Array.from({ length: 10 }, () => make("i"));
  const facts = [
    ["models.parameters", make("dd", {}, number(parameters, 0))],
    ["models.milliseconds", time],
    ["models.mnist", make("dd", {}, measured(mnist))],
    ["models.drawn", make("dd", {}, measured(drawn))],
  ];
  const element = make("article", { class: "card", "aria-labelledby": `card-${name}` },
    make("h3", { id: `card-${name}` }, say(`models.${name}`)),
    make("p", { class: "note" }, say(`models.${name}.why`)),
    make("div", { class: "reading" }, digit,
      make("div", { class: "sparks", "aria-hidden": "true" },
        ...bars.map((bar, each) => make("span", {}, bar, String(each)))), says),
    make("dl", {}, ...facts.map(([key, value]) =>
      make("div", {}, make("dt", {}, say(key)), value))));
  return { element, digit, says, bars, milliseconds: time };
}
