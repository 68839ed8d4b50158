// Everything that the page says, in one language at a time, and numbers as that language
// writes them. The texts are in texts/en.json and texts/zh.json, the same keys in both.

import { options } from "./options.js";

const file = new URL(`texts/${options.language}.json`, import.meta.url);
const texts = await (await fetch(file)).json();

/** The text for a key, with {name} replaced by values.name. English says "an 8". */
export function say(key, values = {}) {
  const text = texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  return options.language === "en" ? text.replace(/\b([Aa]) 8\b/g, "$1n 8") : text;
}

export const knows = (key) => key in texts;

/** A refusal of the server's in this page's language, where it is one that a page can cause. */
export const inWords = ({ code, message }) => knows(`refused.${code}`) ? say(`refused.${code}`)
  : message;

/** Fill what the page's skeleton left open: texts, and names that are only spoken. */
export function fillIn() {
  document.documentElement.lang = options.language === "zh" ? "zh-Hans" : "en";
  document.title = `${say("page.title")} · tinygrad_mnist`;
  for (const each of document.querySelectorAll("[data-text]")) {
    each.textContent = say(each.dataset.text);
  }
  for (const each of document.querySelectorAll("[data-name]")) {
    each.setAttribute("aria-label", say(each.dataset.name));
  }
}

const formats = new Map();

/** A number with that many digits behind the point, and a true minus sign. */
export function number(value, digits = 2) {
  if (!formats.has(digits)) {
    formats.set(digits, new Intl.NumberFormat(options.language,
      { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "negative" }));
  }
  return formats.get(digits).format(value).replace("-", "\u2212");
}

/** A share as a percentage. Never 100 %: no network is certain, it only rounds to that. */
export function percent(share, digits = 1) {
  return `${number(Math.min(100 * share, 100 - 10 ** -digits), digits)} %`;
}
