// What the browser remembers for the page: for one visit (the drawing), or for good (light or
// dark). A browser that is told to remember nothing still shows the page.

const STORES = { visit: () => sessionStorage, good: () => localStorage };

export function remember(how, name, value) {
  try {
    STORES[how]().setItem(name, JSON.stringify(value));
  } catch {
    // Then it is forgotten.
  }
}

/** What was remembered, or null. */
export function recall(how, name) {
  try {
    return JSON.parse(STORES[how]().getItem(name));
  } catch {
    return null;
  }
}
