// All symbols as pixels, drawn once for a zoom, and copied from there: thousands of small `drawImage` cost ten times more.
const BOX = 18; // the box of a symbol's paths
const NOMINAL_R = 6; // radius of a lamp's disc in it
const ON_TOP_R = 4; // what needs a person is never smaller
const EDGELESS_R = 3; // below it an edge would be all there is of a filled shape

// How large a lamp is, by zoom (CSS pixels); the few assets of other kinds stay recognisable from afar.
const lamp_r = (zoom) => (zoom < 11 ? 1.8 : zoom < 12.5 ? 2.4 : zoom < 14 ? 3.6 : zoom < 15.5 ? 5 : 7);
const radius = (kind, symbol, zoom) => {
  const r = lamp_r(zoom);
  if (kind === "lamp") return symbol.on_top ? Math.max(r, ON_TOP_R) : r;
  if (kind === "cabinet") return zoom < 14 ? 0 : r; // until one looks for it
  return Math.max(r * 1.1, symbol.on_top ? 5.5 : 3.2);
};

// The colour that stands for a symbol where it is a dot.
export function tint(symbol) {
  const filled = symbol.parts.filter(([, fill]) => fill !== "none");
  return filled.length ? filled.at(-1)[1] : symbol.parts[0][2];
}

// {kind → state → {size, half, pixels}}: `size` in device pixels, `half` in CSS pixels; `pixels` as ImageData has them.
export function draw_sprites(symbols, zoom, ratio) {
  const sprites = {};
  const ctx = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  for (const [kind, states] of Object.entries(symbols)) {
    sprites[kind] = {};
    for (const [state, symbol] of Object.entries(states)) {
      const r = radius(kind, symbol, zoom);
      const size = r ? Math.ceil(((BOX * r) / NOMINAL_R) * ratio) + 2 : 0;
      sprites[kind][state] = { size, half: size / 2 / ratio, pixels: size ? draw(ctx, symbol, r, size, ratio) : null };
    }
  }
  return sprites;
}

// Lay a sprite with its upper left corner at x, y over pixels of RGBA, `width` a row.
export function copy({ size, pixels }, x, y, into, width, height) {
  const [first, last] = [Math.max(0, -y), Math.min(size, height - y)];
  const [left, right] = [Math.max(0, -x), Math.min(size, width - x)];
  for (let row = first; row < last; row++) {
    const from = row * size;
    const to = (y + row) * width + x;
    for (let i = left; i < right; i++) {
      const pixel = pixels[from + i];
      const alpha = pixel >>> 24;
      if (alpha === 255) into[to + i] = pixel;
      else if (alpha) into[to + i] = over(pixel, alpha, into[to + i]);
    }
  }
}

// Both channels of a pair at once where what is below hides all: 255 × 0xff00ff still fits 32 bits.
function over(pixel, alpha, below) {
  const rest = 255 - alpha;
  if (below >>> 24 === 255) {
    const outer = ((pixel & 0xff00ff) * alpha + (below & 0xff00ff) * rest) >>> 8;
    const inner = ((pixel >>> 8) & 0xff) * alpha + ((below >>> 8) & 0xff) * rest;
    return ((255 << 24) | (outer & 0xff00ff) | (inner & 0xff00)) >>> 0;
  }
  const beneath = ((below >>> 24) * rest) / 255;
  if (!beneath) return pixel;
  const both = alpha + beneath;
  const mix = (shift) => Math.round((((pixel >>> shift) & 255) * alpha + ((below >>> shift) & 255) * beneath) / both);
  return ((Math.round(both) << 24) | (mix(16) << 16) | (mix(8) << 8) | mix(0)) >>> 0;
}

function draw(ctx, symbol, r, size, ratio) {
  const scale = (r / NOMINAL_R) * ratio;
  ctx.canvas.width = ctx.canvas.height = size; // empties it
  ctx.setTransform(scale, 0, 0, scale, size / 2 - (BOX / 2) * scale, size / 2 - (BOX / 2) * scale);
  for (const [path, fill, edge, width] of symbol.parts) {
    const shape = new Path2D(path);
    if (fill !== "none") {
      ctx.fillStyle = fill;
      ctx.fill(shape);
    }
    if (edge === "none" || (fill !== "none" && r < EDGELESS_R)) continue;
    ctx.strokeStyle = edge;
    ctx.lineWidth = Math.max(width, (0.8 * ratio) / scale);
    ctx.stroke(shape);
  }
  return new Uint32Array(ctx.getImageData(0, 0, size, size).data.buffer);
}
