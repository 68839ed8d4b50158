// Making and finding elements: the two things for which the other modules would otherwise want
// a framework.

export const find = (id) => document.getElementById(id);

/** A new element. An attribute that is false or null is left out; `onclick` and the like listen. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Choices of which one is taken: native radio buttons, so that arrow keys come for free. */
export function choice(group, value, attributes, ...children) {
  const { checked = false, onclick = null, name = null } = attributes;
  const input = make("input", { type: "radio", class: "unseen", name: group, value, checked,
    onclick, "aria-label": name });
  return make("label", { class: "choice" }, input, ...children);
}
