// One layer as it is shown: what it does in a sentence, and all that it gave. Maps are small
// pictures to choose from; numbers in a row are cells to point at; and the last layer is shown
// as what each feature adds to each digit.

import { placeOf } from "./arithmetic.js";
import { choice, make } from "./dom.js";
import { Grid } from "./grid.js";
import { largest, mapOf, paintValues } from "./pictures.js";
import { knows, number, say } from "./words.js";

const NOTHING_TO_COMPUTE = ["Flatten", "Dropout"];
const LONGEST_ROW = 20;       // numbers side by side before a new row begins
const LONGEST_STRIP = 128;    // features that one row can show; more are shown as a picture

export class Layer {
  #painted = [];              // what has to be painted again when numbers or colours change

  /** `chosen({channel, row, column})` is called when a map or a cell is pointed at. */
  constructor(layer, isLast, chosen) {
    this.chosen = chosen;
    this.isLast = isLast;
    this.range = make("span", { class: "range" });
    this.pointedAt = make("p", { class: "note pointed" });
    this.element = make("li", { class: "layer" }, this.#head(layer), this.#body(layer));
  }

  /** The layer's numbers for another drawing; above: all layers above it. */
  show(layer, above, contributions) {
    this.layer = layer;
    this.above = above;
    this.contributions = contributions;
    this.range.textContent = say("inside.shape", {
      shape: layer.shape.map((size) => number(size, 0)).join(" × "),
      low: number(layer.low), high: number(layer.high) });
    if (this.isLast) this.#fillContributions();
    this.repaint();
  }

  /** Look at a map or a number as if it had been pointed at. */
  choose(channel) {
    const map = this.element.querySelectorAll(".maps input")[channel];
    if (map) map.checked = true;
    this.chosen({ channel });
  }

  repaint() {
    this.#painted.forEach((paint) => paint());
  }

  #head({ kind, name }) {
    const known = knows(`inside.${kind}`);
    const place = kind === "picture" ? "" : make("span", { class: "place" }, name);
    return make("div", { class: "layer-head" },
      make("h3", {}, place, known ? say(`inside.${kind}`) : kind), this.range,
      make("p", { class: "note" }, known ? say(`inside.${kind}.why`) : ""));
  }

  #body(layer) {
    if (this.isLast) return this.#contributionsBody();
    if (NOTHING_TO_COMPUTE.includes(layer.kind)) return "";
    return layer.shape.length === 3 ? this.#mapsBody(layer) : this.#numbersBody(layer);
  }

  // --- maps ---

  #mapsBody({ name, shape: [channels] }) {
    const maps = Array.from({ length: channels }, (_, channel) => this.#map(name, channel));
    return make("div", { class: "maps", role: "radiogroup",
      "aria-label": name === "picture" ? say("inside.picture")
        : say("inside.maps", { layer: name }) }, ...maps);
  }

  #map(name, channel) {
    const picture = make("canvas");
    this.#painted.push(() => {
      const { shape: [, height, width], most } = this.layer;
      paintValues(picture, mapOf(this.layer, channel), width, height, most);
    });
    return choice(`maps-${name}`, channel, { name: say("inside.map", { channel }),
      onclick: () => this.#enlarge(channel) }, picture);
  }

  /** Choose a map, and see it large: on a phone it is below all the small ones. */
  #enlarge(channel) {
    this.chosen({ channel });
    this.element.querySelector(".glass .grid").scrollIntoView({ block: "nearest" });
  }

  // --- numbers in a row ---

  #numbersBody({ name, shape: [count] }) {
    const columns = count <= LONGEST_ROW ? count : LONGEST_ROW;
    const rows = Math.ceil(count / columns);
    const index = (row, column) => row * columns + column;
    const grid = new Grid({
      name: say("inside.numbers", { layer: name }),
      pointed: (row, column) => this.#pointAt(grid, index(row, column)),
      valueText: (row, column) => say("inside.at_number", { index: index(row, column),
        value: number(grid.value(row, column)) }),
    });
    this.#painted.push(() => grid.show(this.layer.numbers, rows, columns, this.layer.most));
    grid.element.style.setProperty("--columns", columns);
    return make("div", { class: "numbers" }, grid.element, this.pointedAt);
  }

  #pointAt(grid, channel) {
    this.pointedAt.textContent = grid.valueText(grid.row, grid.column);
    this.chosen({ channel });
  }

  // --- the last layer ---

  #contributionsBody() {
    this.rows = Array.from({ length: 10 }, (_, digit) => this.#contributionRow(digit));
    return make("div", { class: "adds" },
      make("h4", {}, say("inside.last")), make("p", { class: "note" }, say("inside.last.why")),
      make("ol", { class: "adds-rows" }, ...this.rows.map(({ element }) => element)),
      this.pointedAt);
  }

  #contributionRow(digit) {
    const score = make("span", { class: "score" });
    const grid = new Grid({
      name: say("inside.row", { digit }),
      pointed: () => this.#pointAt(grid, digit),
      valueText: (row, column) => say("inside.adds", { digit,
        feature: placeOf(row * grid.columns + column, this.above),
        value: number(grid.value(row, column)) }),
      left: (by) => this.rows[digit + by]?.grid.element.focus(),
    });
    const name = make("span", { class: "of" }, String(digit));
    const element = make("li", {}, name, grid.element, score);
    return { element, grid, score };
  }

  #fillContributions() {
    const { values, features, logits } = this.contributions;
    const most = largest(values.flat());
    const best = logits.indexOf(Math.max(...logits));
    const columns = features > LONGEST_STRIP ? Math.ceil(Math.sqrt(features)) : features;
    const rows = Math.ceil(features / columns);
    this.#painted = this.rows.map(({ element, grid, score }, digit) => {
      element.className = digit === best ? "sure" : "";
      element.parentElement.classList.toggle("pictures", rows > 1);
      score.textContent = number(logits[digit]);
      return () => grid.show(values[digit], rows, columns, most);
    });
  }
}
