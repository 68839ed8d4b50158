// The way in for those who cannot draw, or would rather not: pictures of MNIST's test set, which
// no network has learnt from. They are fetched when the picker is opened, not before.

import { choice, find, make } from "./dom.js";
import { bytes, paintGrey } from "./pictures.js";
import { get } from "./server.js";
import { say } from "./words.js";

const COUNT = 12;             // pictures at a time

export class Samples {
  #digit = 0;
  #after = 0;

  /** `chosen(sample)` is called with {sample, label, picture}. */
  constructor(chosen) {
    this.chosen = chosen;
    for (let digit = 0; digit < 10; digit += 1) {
      find("picker-digits").append(choice("picker-digit", digit, { checked: digit === 0,
        onclick: () => this.#open(digit) }, make("span", {}, String(digit))));
    }
    find("more-samples").addEventListener("click", () => this.#load());
    find("picker").addEventListener("toggle", () => {
      if (find("picker").open && !find("samples").children.length) this.#load();
    });
  }

  #open(digit) {
    this.#digit = digit;
    this.#after = 0;
    return this.#load();
  }

  async #load() {
    const digit = this.#digit;
    const { samples } = await get(`api/samples?digit=${digit}&count=${COUNT}&after=${this.#after}`);
    if (digit !== this.#digit) return;           // another digit was chosen meanwhile
    this.#after = samples.length === COUNT ? samples.at(-1).sample + 1 : 0;
    find("samples").replaceChildren(...samples.map((each) => this.#button(each)));
  }

  #button(sample) {
    const picture = make("canvas");
    paintGrey(picture, bytes(sample.picture), 28, 28);
    const name = say("picker.sample", { digit: sample.label, number: sample.sample });
    return make("button", { type: "button", "aria-label": name,
      onclick: () => this.chosen(sample) }, picture);
  }
}
