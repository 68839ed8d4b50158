// Light or dark: what the address says, else what was chosen here before, else what the system
// prefers. The style sheet does the rest by `color-scheme`; whoever paints on a canvas is told.

import { find } from "./dom.js";
import { recall, remember } from "./memory.js";
import { options } from "./options.js";
import { say } from "./words.js";

const MEMORY = "theme";
const system = matchMedia("(prefers-color-scheme: dark)");
let chosen = options.theme ?? recall("good", MEMORY);

const isDark = () => (chosen ? chosen === "dark" : system.matches);

/** Put the colours on, and call `changed` whenever they change. */
export function dress(changed) {
  const apply = () => {
    document.documentElement.style.colorScheme = isDark() ? "dark" : "light";
    find("theme").textContent = say(isDark() ? "page.light" : "page.dark");
    changed();
  };
  find("theme").addEventListener("click", () => {
    chosen = isDark() ? "light" : "dark";
    remember("good", MEMORY, chosen);
    apply();
  });
  system.addEventListener("change", apply);
  apply();
}
