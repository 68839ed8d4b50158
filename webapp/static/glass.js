// The magnifying glass: one map made large, and the arithmetic of the cell that is pointed at.
// It stands beside the layers where there is room, and within the layer where there is not.

import { arithmetic } from "./arithmetic.js";
import { make } from "./dom.js";
import { Grid } from "./grid.js";
import { mapOf } from "./pictures.js";
import { Line } from "./server.js";
import { number, say } from "./words.js";

export class Glass {
  #line = new Line("api/explain", (answer, { cell }) => this.#heard(answer.cell, cell));
  #title = make("h4");
  #sums = make("div", { class: "sums" });
  #grid = new Grid({
    name: say("cell.hint"),
    pointed: (row, column) => this.#point({ ...this.#cell, row, column }),
    stays: true,
    valueText: (row, column) => say("inside.at", { row, column,
      value: number(this.#grid.value(row, column)) }),
  });
  #hint = make("p", { class: "note" }, say("cell.hint"));
  #box = make("div", { class: "glass" },
    make("div", {}, this.#title, this.#hint, this.#grid.element, this.#sums));
  #layers = [];
  #cell = null;               // {layer, channel, row, column}: what is looked at
  #answer = null;             // its arithmetic, once it has come

  /** questionFor(cell) gives what to ask the server about a cell. */
  constructor(questionFor) {
    this.questionFor = questionFor;
  }

  /** Other numbers have come; look at the same cell of them. */
  renew(layers) {
    this.#layers = layers;
    if (this.#cell) this.#point(this.#cell);
  }

  /** Look at a layer's map, or at one of its cells, from within the layer's element. */
  look(layer, { channel, row, column }, element) {
    const strongest = row === undefined ? this.#strongest(layer, channel) : { row, column };
    this.#moveInto(element);
    this.#point({ layer, channel, ...strongest });
  }

  get open() {
    return this.#cell !== null;
  }

  close() {
    this.#cell = this.#answer = null;
    this.#box.remove();
  }

  forget() {
    this.#line.forget();
    this.close();
  }

  repaint() {
    if (this.#cell) this.#paint();
  }

  /** Without moving what is being looked at on the screen, whatever grows and shrinks above. */
  #moveInto(element) {
    if (this.#box.parentElement === element) return;
    const before = element.getBoundingClientRect().top;
    element.append(this.#box);
    scrollBy(0, element.getBoundingClientRect().top - before);
  }

  /** The cell of a map that stands out most: a good place to begin. */
  #strongest(name, channel) {
    const layer = this.#named(name);
    if (layer.shape.length === 1) return { row: 0, column: 0 };
    const [, , width] = layer.shape;
    let at = 0;
    const map = mapOf(layer, channel);
    map.forEach((each, i) => { if (Math.abs(each) > Math.abs(map[at])) at = i; });
    return { row: Math.floor(at / width), column: at % width };
  }

  #named(name) {
    return this.#layers.find((layer) => layer.name === name);
  }

  #point(cell) {
    this.#cell = cell;
    this.#paint();
    if (cell.layer !== "picture") this.#line.ask(this.questionFor(cell));
  }

  #titleOf(layer) {
    const { channel, row, column } = this.#cell;
    if (layer.kind === "picture") return say("cell.pixel", { row, column });
    if (layer.shape.length === 3) return say("inside.cell", { channel, row, column });
    const isLast = layer === this.#layers.at(-1);
    return isLast ? say("inside.row", { digit: channel })
      : say("inside.number", { index: channel });
  }

  #paint() {
    const { layer: name, channel, row, column } = this.#cell;
    const layer = this.#named(name);
    const isMap = layer.shape.length === 3;
    this.#title.textContent = this.#titleOf(layer);
    this.#grid.element.hidden = this.#hint.hidden = !isMap;
    if (!isMap) return;
    const [, height, width] = layer.shape;
    this.#grid.element.setAttribute("aria-label", say("inside.map", { channel }));
    Object.assign(this.#grid, { row, column });
    this.#grid.show(mapOf(layer, channel), height, width, layer.most);
    this.#showSums();
  }

  #heard(answer, cell) {
    if (!this.#isCurrent(cell)) return;    // the hand has moved on
    this.#answer = { answer, cell };
    this.#showSums();
  }

  #isCurrent(cell) {
    return ["layer", "channel", "row", "column"].every((key) => cell[key] === this.#cell?.[key]);
  }

  /** The arithmetic; until that of another cell of the layer has come, the last one, dimmed. */
  #showSums() {
    const isOld = this.#answer !== null && !this.#isCurrent(this.#answer.cell);
    this.#sums.classList.toggle("old", isOld);
    if (this.#cell.layer === "picture") {
      this.#sums.classList.remove("old");
      this.#sums.replaceChildren(make("p", { class: "outcome" }, number(this.#grid.value())));
      return;
    }
    if (this.#answer?.cell.layer !== this.#cell.layer) {
      this.#sums.replaceChildren();
      return;
    }
    const at = this.#layers.findIndex(({ name }) => name === this.#answer.cell.layer);
    const { answer, cell } = this.#answer;
    this.#sums.replaceChildren(...arithmetic(answer, { ...cell, shape: this.#layers[at].shape },
      this.#layers.slice(0, at)));
  }
}
