// The paper: shows the drawing, and draws with mouse, finger, pen or keyboard.
//
// With the keyboard, arrow keys move the pen (Shift: farther), and Space sets it down and lifts
// it. The paper has as many pixels as the screen has, so lines are crisp on any.

import { find } from "./dom.js";
import { PAGE, PENS } from "./drawing.js";
import { bytes, paintGrey } from "./pictures.js";

const INK = "#14171a";
const STEP = 7;               // units that an arrow key moves the pen
const FAR = 28;               // the same with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  #canvas = find("pad");
  #hand = null;               // where the keyboard holds the pen; null until it is used
  #pointer = null;            // the finger that draws: a second one is not listened to

  constructor(drawing) {
    this.drawing = drawing;
    this.#listenToPointers();
    this.#canvas.addEventListener("keydown", (event) => this.#key(event));
    this.#canvas.addEventListener("blur", () => this.#letGo());
    drawing.addEventListener("change", () => this.#paintSoon());
    new ResizeObserver(() => this.#resize()).observe(this.#canvas);
  }

  // --- pointers ---

  #listenToPointers() {
    const canvas = this.#canvas;
    // Else a quick stroke is a fling to Chromium, and the next tap, on "Clear" say, only ends it.
    canvas.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      if (this.#pointer !== null || event.button !== 0) return;
      this.#pointer = event.pointerId;
      canvas.setPointerCapture(event.pointerId);
      this.#hand = null;
      this.drawing.begin(...this.#place(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== this.#pointer || !this.drawing.penIsDown) return;
      // A fast hand leaves more points than there are frames; take all of them.
      const points = event.getCoalescedEvents?.() ?? [];
      for (const each of points.length ? points : [event]) this.drawing.goOn(...this.#place(each));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => {
        if (event.pointerId !== this.#pointer) return;
        this.#pointer = null;
        this.drawing.end();
      });
    }
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * PAGE,
            (event.clientY - box.top) / box.height * PAGE];
  }

  // --- keys ---

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) this.#move(ARROWS[event.key], event.shiftKey ? FAR : STEP);
    else if (event.key === " " && !event.repeat) this.#setDownOrLift();
    else if (event.key === "Escape") this.#letGo();
    else if (event.key !== " ") return;
    event.preventDefault();
  }

  #move([right, down], by) {
    const [x, y] = this.#hand ?? [PAGE / 2, PAGE / 2];
    const within = (value) => Math.min(Math.max(value, 0), PAGE);
    this.#hand = [within(x + right * by), within(y + down * by)];
    if (this.drawing.penIsDown) this.drawing.goOn(...this.#hand);
    this.#paintSoon();
  }

  #setDownOrLift() {
    this.#hand ??= [PAGE / 2, PAGE / 2];
    if (this.drawing.penIsDown) this.drawing.end();
    else this.drawing.begin(...this.#hand);
  }

  #letGo() {
    if (this.#pointer === null) this.drawing.end();
    this.#hand = null;
    this.#paintSoon();
  }

  // --- what is seen ---

  #resize() {
    const pixels = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    this.#canvas.width = this.#canvas.height = pixels;
    this.#paint();
  }

  #paintSoon() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    const pen = this.#canvas.getContext("2d");
    const scale = this.#canvas.width / PAGE;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, PAGE, PAGE);
    if (this.drawing.sample) paintSample(pen, this.drawing.sample);
    pen.lineCap = pen.lineJoin = "round";
    pen.lineWidth = PENS[this.drawing.pen] * PAGE;
    pen.strokeStyle = INK;
    this.drawing.strokes.forEach((stroke) => paintStroke(pen, stroke));
    if (this.#hand) paintHand(pen, this.#hand, this.drawing.penIsDown);
    find("invitation").hidden = !this.drawing.empty || this.#hand !== null;
  }
}

function paintStroke(pen, [first, ...others]) {
  pen.beginPath();
  pen.moveTo(...first);
  pen.lineTo(...first);       // a stroke of one point is a dot
  others.forEach((point) => pen.lineTo(...point));
  pen.stroke();
}

function paintSample(pen, { picture }) {
  const small = document.createElement("canvas");
  paintGrey(small, bytes(picture).map((ink) => 255 - ink), 28, 28);
  pen.imageSmoothingEnabled = false;
  pen.globalCompositeOperation = "multiply";   // its white is the paper's own
  pen.drawImage(small, 0, 0, PAGE, PAGE);
  pen.globalCompositeOperation = "source-over";
}

function paintHand(pen, [x, y], down) {
  pen.beginPath();
  pen.arc(x, y, 7, 0, 2 * Math.PI);
  pen.lineWidth = 2.5;
  pen.strokeStyle = "#b34f00";
  pen.fillStyle = "#b34f00";
  pen.stroke();
  if (down) pen.fill();
}
