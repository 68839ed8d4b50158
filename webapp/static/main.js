// Puts the page together: a change of the drawing becomes a question, and its answer goes to
// every section. The reading order of the page is the order of what happens:
//
//   1 draw -> 2 what the network sees -> 3 the answer -> 4 inside -> 5 models side by side
//
// Each module has one job and says at its head which.

import { Answer } from "./answer.js";
import { raiseBanner } from "./banner.js";
import { choice, find, make } from "./dom.js";
import { Drawing, PENS } from "./drawing.js";
import { offerFeedback } from "./feedback.js";
import { Inside } from "./inside.js";
import { Models } from "./models.js";
import { addressIn, options } from "./options.js";
import { Pad } from "./pad.js";
import { Samples } from "./samples.js";
import { allIsWell, get, Line } from "./server.js";
import { Steps } from "./steps.js";
import { dress } from "./theme.js";
import { fillIn, say } from "./words.js";

fillIn();
arrange();
raiseBanner();

const drawing = new Drawing();
const answer = new Answer();
const steps = new Steps(() => consider("replaced"));
const inside = new Inside();
const line = new Line("api/predict", hear);
let models = null;            // section 5, once the server has said which models there are
let known = [];               // what it said

dress(() => inside.repaint());
new Pad(drawing);
new Samples((sample) => drawing.choose(sample));
offerFeedback(drawing);
connectTools();
drawing.addEventListener("change", ({ detail }) => consider(detail));
showHistory();
meetModels(await get("api/models"));

// --- a question and its answer ---

/** Ask about the drawing as it is now. how: "grown" or "replaced", as the drawing says. */
function consider(how) {
  showHistory();
  if (how === "replaced") line.forget();
  const question = drawing.question();
  if (!question) showNothing();
  else if (models) line.ask({ ...question, steps: steps.chosen, models: everyone() });
}

function hear({ results, steps: pictures }, question) {
  const chosen = results.find(({ model }) => model === find("model").value) ?? results[0];
  const isFinal = !drawing.penIsDown && !line.hasMore;
  answer.show(chosen, isFinal);
  steps.show(pictures);
  models.show(results);
  const { models: _, ...drawn } = question;
  if (isFinal) inside.look({ ...drawn, model: chosen.model });
}

function showNothing() {
  line.forget();
  allIsWell();
  answer.clear();
  steps.clear();
  models?.clear();
  inside.clear();
}

/** The network that answers, and those that stand side by side if they are on the page. */
function everyone() {
  const others = options.hidden.includes("models") ? [] : models.names;
  return [...new Set([find("model").value, ...others])];
}

function meetModels({ models: all, default: best }) {
  known = all;
  models = new Models(all);
  const wanted = all.some(({ name }) => name === options.model) ? options.model : best;
  find("model").append(...all.map(({ name }) => make("option", { value: name,
    selected: name === wanted }, `${name}: ${say(`models.${name}`)}`)));
  find("model").addEventListener("change", chooseModel);
  chooseModel();
}

function chooseModel() {
  const { sure_from: sureFrom } = known.find(({ name }) => name === find("model").value);
  answer.drawLine(sureFrom);
  consider("replaced");
}

// --- tools around the paper ---

function connectTools() {
  for (const tool of ["undo", "redo", "clear"]) {
    find(tool).addEventListener("click", () => drawing[tool]());
  }
  for (const pen of Object.keys(PENS)) {
    const dot = make("span", { class: `dot ${pen}` });
    find("thickness").append(choice("pen", pen, { name: say(`draw.${pen}`),
      checked: drawing.pen === pen, onclick: () => drawing.usePen(pen) }, dot));
  }
  addEventListener("keydown", shortcut);
}

function shortcut(event) {
  const key = event.key.toLowerCase();
  const command = event.ctrlKey || event.metaKey;
  const drawingHere = [document.body, find("pad")].includes(event.target);
  if (command && (key === "y" || (key === "z" && event.shiftKey))) drawing.redo();
  else if (command && key === "z") drawing.undo();
  else if (!command && drawingHere && ["delete", "backspace"].includes(key)) drawing.clear();
  else return;
  event.preventDefault();
}

/** Which tools can be used now. They stay focusable, so that a keyboard does not lose its place. */
function showHistory() {
  find("undo").setAttribute("aria-disabled", !drawing.canUndo);
  find("redo").setAttribute("aria-disabled", !drawing.canRedo);
  find("clear").setAttribute("aria-disabled", drawing.empty);
}

/** The page as its address wants it. */
function arrange() {
  const other = options.language === "zh" ? ["en", "English"] : ["zh", "中文"];
  const link = find("other-language");
  Object.assign(link, { href: addressIn(other[0]), lang: other[0], textContent: other[1] });
  options.hidden.forEach((name) => find(name)?.setAttribute("hidden", ""));
  document.documentElement.classList.toggle("large", options.large);
  document.documentElement.classList.toggle("presenter", options.presenter);
  watchWidth();
}

/** Narrow is where the first three sections do not stand side by side: there the answer stays at the
    lower edge. How wide they are depends on the type's size, of which a media query knows nothing. */
function watchWidth() {
  const { documentElement: page } = document;
  const look = () => {
    const size = parseFloat(getComputedStyle(page).fontSize);
    page.classList.toggle("narrow", innerWidth < Math.max(1024, 64 * size));
  };
  addEventListener("resize", look);
  look();
}
