// What the page's address asks for. A presenter prepares one address and needs no clicks:
//
//   ?lang=en | zh           the language; without it, the browser's
//   ?theme=light | dark     the colours; without it, what was chosen last, or the system's
//   ?model=seed             the network that answers; without it, the server's best
//   ?hide=steps,inside      sections to leave out: steps, inside, models, feedback
//   ?large=1                large type, for the last row
//   ?presenter=1            large type, and nothing but the sections: no settings, no footer
//
// For example  ?lang=zh&model=seed&presenter=1&hide=models,feedback

const LANGUAGES = ["en", "zh"];
const THEMES = ["light", "dark"];
const SECTIONS = ["steps", "inside", "models", "feedback"];

const asked = new URLSearchParams(location.search);

const oneOf = (known, wanted) => wanted.find((each) => known.includes(each));

// "zh-Hant-TW" and "zh" are one language here.
const spoken = navigator.languages.map((each) => each.split("-")[0]);

const presenter = asked.get("presenter") === "1";

export const options = {
  language: oneOf(LANGUAGES, [asked.get("lang"), ...spoken]) ?? "en",
  theme: oneOf(THEMES, [asked.get("theme")]),
  model: asked.get("model"),
  hidden: (asked.get("hide") ?? "").split(",").filter((each) => SECTIONS.includes(each)),
  large: presenter || asked.get("large") === "1",
  presenter,
};

/** The address of this very page in another language. */
export function addressIn(language) {
  const other = new URLSearchParams(asked);
  other.set("lang", language);
  return `?${other}`;
}
