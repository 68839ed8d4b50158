// A drawing and its past. What is on the paper at one moment is a sheet that never changes:
//
//   {strokes: [[[x, y], ...], ...], sample: null}         drawn with the pen
//   {strokes: [], sample: {sample, label, picture}}       a picture of the test set, chosen
//
// Undo and redo walk along the sheets. Coordinates are in units of a page of 280 x 280, ten
// times MNIST's, whatever size the paper has on the screen. A reload of the page keeps all.

import { recall, remember } from "./memory.js";

export const PAGE = 280;
export const PENS = { thin: 0.025, medium: 0.045, thick: 0.08 };  // widths, in pages

const BLANK = { strokes: [], sample: null };
const LEAST = 1.5;            // units that the pen must move before there is a new point
const MEMORY = "drawing";     // its name in the browser's memory

export class Drawing extends EventTarget {
  #sheets = [BLANK];
  #at = 0;
  #stroke = null;             // the stroke that is being drawn
  pen = "medium";

  constructor() {
    super();
    this.#recall();
  }

  get strokes() {
    const drawn = this.#sheets[this.#at].strokes;
    return this.#stroke ? [...drawn, this.#stroke] : drawn;
  }

  get sample() {
    return this.#stroke ? null : this.#sheets[this.#at].sample;
  }

  get empty() {
    return !this.sample && this.strokes.length === 0;
  }

  get penIsDown() {
    return this.#stroke !== null;
  }

  /** The drawing as the server wants it, or null if there is none. */
  question() {
    if (this.empty) return null;
    if (this.sample) return { sample: this.sample.sample };
    return { strokes: this.strokes, canvas: [PAGE, PAGE], thickness: PENS[this.pen] };
  }

  // --- the pen: a stroke begins, goes on, and ends ---

  begin(x, y) {
    this.end();               // the keyboard may have left its pen down
    this.#stroke = [onPage(x, y)];
    this.#changed("grown");
  }

  goOn(x, y) {
    const point = onPage(x, y);
    const [lastX, lastY] = this.#stroke.at(-1);
    if (Math.hypot(point[0] - lastX, point[1] - lastY) < LEAST) return;
    this.#stroke.push(point);
    this.#changed("grown");
  }

  end() {
    if (!this.#stroke) return;
    const sheet = { strokes: this.strokes, sample: null };
    this.#stroke = null;
    this.#lay(sheet, "grown");
  }

  // --- whole sheets ---

  clear() {
    this.end();               // so that undo brings back all that was there
    if (!this.empty) this.#lay(BLANK, "replaced");
  }

  choose(sample) {
    this.end();
    this.#lay({ strokes: [], sample }, "replaced");
  }

  usePen(name) {
    this.pen = name;
    this.#changed("replaced");
  }

  get canUndo() {
    return this.#at > 0 || this.penIsDown;
  }

  get canRedo() {
    return this.#at < this.#sheets.length - 1;
  }

  undo() {
    this.end();               // a stroke that is being drawn is the newest
    if (this.canUndo) this.#turn(-1);
  }

  redo() {
    this.end();
    if (this.canRedo) this.#turn(1);
  }

  #turn(by) {
    this.#at += by;
    this.#changed("replaced");
  }

  #lay(sheet, how) {
    this.#sheets = [...this.#sheets.slice(0, this.#at + 1), sheet];
    this.#at += 1;
    this.#changed(how);
  }

  /** how: "grown" if the last answer still means this drawing, "replaced" if it does not. */
  #changed(how) {
    if (!this.penIsDown) this.#remember();
    this.dispatchEvent(new CustomEvent("change", { detail: how }));
  }

  // --- a reload ---

  #remember() {
    remember("visit", MEMORY, { ...this.#sheets[this.#at], pen: this.pen });
  }

  #recall() {
    const { strokes = [], sample = null, pen = "" } = recall("visit", MEMORY) ?? {};
    if (pen in PENS) this.pen = pen;
    if (strokes.length || sample) this.#sheets.push({ strokes, sample });
    this.#at = this.#sheets.length - 1;
  }
}

/** A point within the page, to a tenth of a unit: the pen may leave the paper, ink may not. */
function onPage(x, y) {
  return [x, y].map((each) => Math.round(10 * Math.min(Math.max(each, 0), PAGE)) / 10);
}
