// From the drawing to the picture that the network gets, step by step. Each step has a switch:
// leave one out, and the talk's own failure happens before your eyes.

import { find, make } from "./dom.js";
import { bytes, paintGrey } from "./pictures.js";
import { say } from "./words.js";

const NAMES = ["drawn", "inverted", "cropped", "scaled", "same_pen", "centred"];

export class Steps {
  #off = new Set();
  #rows = new Map();

  /** `changed` is called when a step is switched on or off. */
  constructor(changed) {
    this.changed = changed;
    for (const name of NAMES) this.#rows.set(name, this.#row(name));
    find("strip").append(...[...this.#rows.values()].map(({ row }) => row));
    find("all-steps").addEventListener("click", () => this.#allOn());
    this.clear();
  }

  #row(name) {
    const picture = make("canvas", { role: "img",
      "aria-label": `${say("steps.picture")}: ${say(`steps.${name}`)}` });
    const title = make("span", { class: "step-name" }, say(`steps.${name}`));
    const control = name === "drawn" ? null : make("input", { type: "checkbox", role: "switch",
      id: `step-${name}`, checked: true, onchange: (event) => this.#turn(name, event.target) });
    const head = control ? make("label", {}, title, control) : make("div", {}, title);
    const why = make("p", { class: "note" }, say(`steps.${name}.why`));
    return { row: make("li", {}, picture, make("div", {}, head, why)), picture, control };
  }

  /** The steps as the server wants them. */
  get chosen() {
    return Object.fromEntries(NAMES.slice(1).map((name) => [name, !this.#off.has(name)]));
  }

  /** Show the picture after each step. A test digit has no pen, and so one step fewer. */
  show(steps) {
    const taken = steps.map(({ name }) => name);
    for (const [name, { row }] of this.#rows) row.hidden = !taken.includes(name);
    for (const { name, width, height, pixels } of steps) {
      paintGrey(this.#rows.get(name).picture, bytes(pixels), width, height);
    }
  }

  clear() {
    for (const { row, picture } of this.#rows.values()) {
      row.hidden = false;
      picture.width = picture.height = 28;
    }
  }

  #turn(name, { checked }) {
    if (checked) this.#off.delete(name);
    else this.#off.add(name);
    this.#tellAndAsk();
  }

  #allOn() {
    this.#off.clear();
    for (const { control } of this.#rows.values()) if (control) control.checked = true;
    find("step-inverted").focus();      // the button that was pressed is about to go
    this.#tellAndAsk();
  }

  #tellAndAsk() {
    for (const [name, { row }] of this.#rows) row.classList.toggle("off", this.#off.has(name));
    find("left-out").hidden = this.#off.size === 0;
    this.changed();
  }
}
