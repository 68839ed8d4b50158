// Numbers in rows and columns, large enough to point at one of them: with the mouse by moving
// over it, with a finger by touching it or sliding along, with the keyboard by the arrow keys.
//
// To a screen reader it is a slider, the only widget that keeps the arrow keys and says a value.

import { largest, paintValues } from "./pictures.js";
import { make } from "./dom.js";

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const FINE = 560;             // pixels across, so that outlines are thin beside the cells

export class Grid {
  element = make("canvas", { class: "grid", role: "slider", tabindex: 0, "aria-valuemin": 0 });
  row = 0;
  column = 0;
  marked = false;             // whether the cell is outlined: while it is pointed at

  /**
   * pointed(row, column) is called when another cell is pointed at; left(by) when an arrow key
   * would leave at the top (-1) or at the bottom (1); valueText(row, column) says what is there.
   * stays: whether the last cell stays outlined when the hand has left.
   */
  constructor({ name, pointed, valueText, left = () => {}, stays = false }) {
    Object.assign(this, { pointed, valueText, left, stays, marked: stays });
    this.element.setAttribute("aria-label", name);
    this.element.addEventListener("keydown", (event) => this.#key(event));
    for (const kind of ["pointerdown", "pointermove"]) {
      this.element.addEventListener(kind, (event) => this.#pointer(event));
    }
    this.element.addEventListener("focus", () => this.#point(this.row, this.column, true));
    for (const kind of ["blur", "pointerleave"]) {
      this.element.addEventListener(kind, () => this.#unmark());
    }
  }

  /** Show numbers, rows * columns or fewer; `most` is what has the full colour. */
  show(numbers, rows, columns, most = largest(numbers)) {
    Object.assign(this, { numbers, rows, columns, most });
    this.#within(this.row, this.column);
    this.paint();
  }

  value(row = this.row, column = this.column) {
    return this.numbers[row * this.columns + column];
  }

  paint() {
    const { row, column, element } = this;
    paintLarge(element, this, this.marked ? { row, column, height: 1, width: 1 } : null);
    element.setAttribute("aria-valuemax", this.numbers.length - 1);
    element.setAttribute("aria-valuenow", row * this.columns + column);
    element.setAttribute("aria-valuetext", this.valueText(row, column));
  }

  #within(row, column) {
    this.row = Math.min(Math.max(row, 0), this.rows - 1);
    const last = Math.min(this.columns, this.numbers.length - this.row * this.columns) - 1;
    this.column = Math.min(Math.max(column, 0), last);
  }

  #point(row, column, anew = false) {
    const { row: oldRow, column: oldColumn } = this;
    this.#within(row, column);
    if (!anew && this.row === oldRow && this.column === oldColumn) return;
    this.marked = true;
    this.paint();
    this.pointed(this.row, this.column);
  }

  #unmark() {
    if (document.activeElement === this.element || this.stays) return;
    this.marked = false;
    this.paint();
  }

  #pointer(event) {
    const box = this.element.getBoundingClientRect();
    this.#point(Math.floor((event.clientY - box.top) / box.height * this.rows),
                Math.floor((event.clientX - box.left) / box.width * this.columns),
                event.type === "pointerdown" || !this.marked);
  }

  #key(event) {
    if (!(event.key in ARROWS)) return;
    event.preventDefault();
    const [down, right] = ARROWS[event.key];
    const row = this.row + down;
    if (row < 0 || row >= this.rows) this.left(down);
    else this.#point(row, this.column + right);
  }
}

/**
 * Numbers as coloured cells on a canvas, and an outline around some of them, if any.
 * across: pixels from left to right, about; outlines are a few of them wide.
 */
export function paintLarge(canvas, { numbers, rows, columns, most }, outlined, across = FINE) {
  const small = document.createElement("canvas");
  paintValues(small, numbers, columns, rows, most);
  const size = Math.max(4, Math.round(across / columns));
  canvas.width = size * columns;
  canvas.height = size * rows;
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  if (!outlined) return;
  const { row, column, height, width } = outlined;
  // Dark within bright: seen on any colour.
  for (const [colour, thickness] of [["#fff", 9], ["#000", 4]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = thickness;
    pen.strokeRect(column * size, row * size, width * size, height * size);
  }
}
