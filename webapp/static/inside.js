// Inside: what every layer makes of the drawing. The maps of all layers are asked for when the
// pen rests and somebody is looking; the arithmetic of one cell when it is pointed at.

import { find } from "./dom.js";
import { Glass } from "./glass.js";
import { Layer } from "./layers.js";
import { Line } from "./server.js";
import { largest, values } from "./pictures.js";

export class Inside {
  #maps = new Line("api/explain", (answer, question) => this.#show(answer, question));
  #glass = new Glass((cell) => ({ ...this.#shown, cell }));
  #layers = [];
  #model = null;              // whose layers are shown
  #question = null;           // the newest drawing, and who is to read it
  #asked = null;              // the one whose maps have been asked for
  #shown = null;              // the one whose maps are shown: a cell of theirs is pointed at
  #seen = false;

  constructor() {
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.#seen = isIntersecting;
      this.#ask();
    }, { rootMargin: "50%" }).observe(find("inside"));
  }

  /** Look into another drawing. */
  look(question) {
    this.#question = question;
    this.#ask();
  }

  clear() {
    this.#maps.forget();
    this.#glass.forget();
    this.#question = this.#asked = this.#shown = this.#model = null;
    this.#layers = [];
    find("layers").replaceChildren();
    find("inside-empty").hidden = false;
  }

  /** Paint again in the colours of the day. */
  repaint() {
    this.#layers.forEach((layer) => layer.repaint());
    this.#glass.repaint();
  }

  #ask() {
    if (!this.#seen || !this.#question || this.#question === this.#asked) return;
    this.#asked = this.#question;
    this.#maps.ask(this.#question);
  }

  #show(answer, question) {
    this.#shown = question;
    const layers = withPicture(answer);
    if (answer.model !== this.#model) this.#build(answer.model, layers);
    this.#layers.forEach((layer, at) => layer.show(layers[at], layers.slice(0, at),
      answer.contributions));
    this.#glass.renew(layers);
    if (!this.#glass.open) this.#begin(layers);
    find("inside-empty").hidden = true;
  }

  #build(model, layers) {
    this.#model = model;
    this.#layers = layers.map((layer, at) => new Layer(layer, at === layers.length - 1,
      (chosen) => this.#glass.look(layers[at].name, chosen, this.#layers[at].element)));
    find("layers").replaceChildren(...this.#layers.map(({ element }) => element));
    this.#glass.close();
  }

  /** Until somebody has chosen a cell, look at one of the first layer that computes anything. */
  #begin(layers) {
    const at = layers.findIndex(({ kind }) => ["Conv2d", "Linear"].includes(kind));
    this.#layers[at].choose(0);
  }
}

/** The layers of an answer with their numbers unpacked, the picture itself as the first. */
function withPicture({ picture, layers }) {
  const first = { name: "picture", kind: "picture", shape: [1, 28, 28], low: 0, high: 1,
    values: picture };
  return [first, ...layers].map((layer) => {
    const numbers = values(layer);
    return { ...layer, numbers, most: largest(numbers) };
  });
}
