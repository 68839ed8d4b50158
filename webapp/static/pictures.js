// Numbers made visible: greys for pictures, and for values that may be negative two hues that
// colour-blind eyes tell apart, with 0 between them.

const SHADE = 0.7;            // below 1, small values are seen beside large ones

/** The bytes in a base64 text. */
export function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** What a layer gave: numbers between low and high that came as bytes. */
export function values({ values: base64, low, high }) {
  return Float32Array.from(bytes(base64), (byte) => low + (high - low) * byte / 255);
}

/** The numbers of one map of a layer, {numbers, shape: [channels, height, width]}. */
export function mapOf({ numbers, shape: [, height, width] }, channel) {
  return numbers.subarray(channel * height * width, (channel + 1) * height * width);
}

/** The largest of the numbers, whatever their sign; never 0, so that one may divide by it. */
export function largest(numbers) {
  return numbers.reduce((most, each) => Math.max(most, Math.abs(each)), 0) || 1;
}

/** Bytes as a grey picture, one pixel each; style sheets make it as large as it should be. */
export function paintGrey(canvas, greys, width, height) {
  paint(canvas, width, height, (i) => [greys[i], greys[i], greys[i]]);
}

/** Numbers as colours, one pixel each. `most` is what has the full colour. Where the numbers
    end before the picture does, it is as bright as 0. */
export function paintValues(canvas, numbers, width, height, most) {
  const { minus, zero, plus } = palette();
  paint(canvas, width, height, (i) => {
    const part = Math.min(Math.abs(numbers[i] ?? 0) / most, 1) ** SHADE;
    const hue = numbers[i] < 0 ? minus : plus;
    return zero.map((grey, channel) => grey + (hue[channel] - grey) * part);
  });
}

function paint(canvas, width, height, colourOf) {
  canvas.width = width;
  canvas.height = height;
  const picture = new ImageData(width, height);
  for (let i = 0; i < width * height; i += 1) picture.data.set([...colourOf(i), 255], 4 * i);
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

/** The colours as the legend shows them just now, light or dark: so the two cannot differ. */
function palette() {
  const colours = {};
  for (const name of ["minus", "zero", "plus"]) {
    const swatch = document.querySelector(`.legend .${name}`);
    const channels = getComputedStyle(swatch).backgroundColor.match(/[\d.]+/g);
    colours[name] = channels.slice(0, 3).map(Number);
  }
  return colours;
}
