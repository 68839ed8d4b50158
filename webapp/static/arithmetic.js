// The arithmetic of one cell, written out with the real numbers: for a convolution the patch,
// the kernel, their products and the sum; for pooling which of the four won; for ReLU what
// became of the number; for a fully connected layer the products that count most.

import { choice, make } from "./dom.js";
import { paintLarge } from "./grid.js";
import { largest, mapOf } from "./pictures.js";
import { number, say } from "./words.js";

const SOURCE = 224;           // pixels across the map that a patch comes from

const KINDS = { Conv2d: convolution, MaxPool2d: pooling, ReLU: relu, Linear: linear };

/**
 * Elements that show how a cell came about. answer: as the server explains it. cell: where it
 * is, and the shape of its layer. above: all layers above it, the picture first.
 */
export function arithmetic(answer, cell, above) {
  return KINDS[answer.kind]?.(answer, cell, above) ?? [];
}

// --- convolution ---

function convolution(answer, cell, above) {
  const place = make("div");
  const strongest = answer.inputs.reduce((most, each) =>
    (Math.abs(each.sum) > Math.abs(most.sum) ? each : most));
  const show = (input) => place.replaceChildren(...products(input, answer, cell, above.at(-1)));
  show(strongest);
  return answer.inputs.length === 1 ? [place] : [inputBars(answer, strongest, show), place];
}

/** A bar for what each input map adds; the chosen one's products are shown. */
function inputBars({ inputs }, chosen, show) {
  const most = largest(inputs.map(({ sum }) => sum));
  const bars = inputs.map((input) => {
    const bar = make("i", { class: input.sum < 0 ? "minus" : "plus" });
    bar.style.setProperty("--share", Math.abs(input.sum) / most);
    const name = say("cell.input", { channel: input.channel, value: number(input.sum) });
    return choice("inputs", input.channel,
      { name, checked: input === chosen, onclick: () => show(input) }, bar);
  });
  return make("fieldset", { class: "inputs" },
    make("legend", { class: "note" }, say("cell.inputs")), make("div", {}, ...bars));
}

function products(input, answer, cell, before) {
  const { patch, kernel, products: multiplied, sum, channel } = input;
  const others = answer.inputs.length - 1;
  return [
    whereFrom(before, channel, patchBox(patch, cell, before)),
    make("div", { class: `product size-${patch.length}` },
      table("cell.patch", patch), sign("×"), table("cell.kernel", kernel), sign("="),
      table("cell.products", multiplied)),
    ledger([
      [say("cell.this_sum"), sum],
      others > 0 && [say("cell.others", { count: others }), answer.sum - answer.bias - sum],
      [say("cell.bias"), answer.bias],
    ], [say("cell.sum"), answer.sum]),
  ];
}

/** Where a patch lies in the map it comes from. Kernels here move by one, with or without a rim. */
function patchBox(patch, { row, column, shape }, before) {
  const rim = (shape[1] + patch.length - 1 - before.shape[1]) / 2;
  return { row: row - rim, column: column - rim, height: patch.length, width: patch[0].length };
}

function whereFrom(layer, channel, box) {
  const { kind, shape: [, rows, columns], most } = layer;
  const canvas = make("canvas", { class: "source", "aria-hidden": "true" });
  paintLarge(canvas, { numbers: mapOf(layer, channel), rows, columns, most }, box, SOURCE);
  const source = kind === "picture" ? say("cell.picture") : say("cell.map", { channel });
  return make("div", { class: "from" }, canvas,
    make("p", { class: "note" }, say("cell.from", { source })));
}

// --- pooling and ReLU ---

function pooling({ patch, winner, value }, { channel, row, column }, above) {
  const four = table("cell.patch", patch);
  four.querySelectorAll("td")[winner[0] * patch[0].length + winner[1]].classList.add("winner");
  const box = { row: row * patch.length, column: column * patch[0].length,
    height: patch.length, width: patch[0].length };
  return [whereFrom(above.at(-1), channel, box), make("div", { class: "product" }, four),
          make("p", { class: "outcome" }, say("cell.winner", { value: number(value) }))];
}

function relu({ before }) {
  const key = before < 0 ? "cell.relu.negative" : "cell.relu.positive";
  return [make("p", { class: "outcome" }, say(key, { before: number(before) }))];
}

// --- fully connected ---

function linear({ top, bias, sum }, cell, above) {
  const head = ["feature", "input_value", "weight", "product"]
    .map((key) => make("th", { scope: "col" }, say(`cell.${key}`)));
  const rows = top.map(({ feature, input, weight, product }) => make("tr", {},
    make("th", { scope: "row" }, placeOf(feature, above)),
    ...[input, weight].map((each) => make("td", {}, number(each))),
    make("td", { class: product < 0 ? "minus" : "plus" }, number(product))));
  const rest = sum - bias - top.reduce((total, { product }) => total + product, 0);
  return [
    make("p", { class: "note" }, say("cell.top")),
    make("table", { class: "top-ten" }, make("thead", {}, make("tr", {}, ...head)),
      make("tbody", {}, ...rows)),
    ledger([[say("cell.rest"), rest], [say("cell.bias"), bias]], [say("cell.total"), sum]),
  ];
}

/** Where a feature comes from: a place in the maps that were flattened, or its number. */
export function placeOf(feature, above) {
  const before = above.findLast(({ kind }) => !["Flatten", "Dropout"].includes(kind));
  if (before.shape.length === 1) return String(feature);
  const [, height, width] = before.shape;
  const place = { channel: Math.floor(feature / (height * width)),
    row: Math.floor(feature / width) % height, column: feature % width };
  return say(before.kind === "picture" ? "cell.pixel" : "cell.place", place);
}

// --- what they share ---

function table(key, rows) {
  const most = largest(rows.flat());
  return make("table", {}, make("caption", {}, say(key)), make("tbody", {}, ...rows.map((row) =>
    make("tr", {}, ...row.map((each) => {
      const td = make("td", { class: each < 0 ? "minus" : "plus" }, number(each));
      td.style.setProperty("--share", Math.abs(each) / most);
      return td;
    })))));
}

const sign = (text) => make("span", { class: "sign" }, text);

/** An addition, one number below the other, and its sum beneath the line. */
function ledger(entries, total) {
  const line = ([name, value], css) => make("div", { class: css },
    make("dt", {}, name), make("dd", {}, number(value)));
  return make("dl", { class: "ledger" }, ...entries.filter(Boolean).map((each) => line(each, "")),
    line(total, "total"));
}
