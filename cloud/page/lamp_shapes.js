// Shapes on a canvas: the symbol of a lamp, and the overview of a zone. Knows nothing of Leaflet.

export function trace(ctx, shape, x, y, r) {
  ctx.beginPath();
  if (shape === "triangle") {
    ctx.moveTo(x, y - r * 1.5);
    ctx.lineTo(x + r * 1.45, y + r);
    ctx.lineTo(x - r * 1.45, y + r);
    ctx.closePath();
  } else if (shape === "diamond") {
    ctx.moveTo(x, y - r * 1.5);
    ctx.lineTo(x + r * 1.5, y);
    ctx.lineTo(x, y + r * 1.5);
    ctx.lineTo(x - r * 1.5, y);
    ctx.closePath();
  } else if (shape === "square") {
    ctx.rect(x - r * 0.8, y - r * 0.8, r * 1.6, r * 1.6);
  } else {
    ctx.arc(x, y, shape === "dot" ? r * 0.6 : r, 0, Math.PI * 2);
  }
}

// Outlines and lamps of a zone, as large as the canvas allows. `look`: state → {fill, night_edge, shape, r}.
export function draw_overview(canvas, rings, lamps, look) {
  const points = [...rings.flat(), ...lamps.map(({ at }) => [at.lng, at.lat])];
  if (!points.length) return;
  const [west, east] = range(points.map((point) => point[0]));
  const [south, north] = range(points.map((point) => point[1]));
  const squeeze = Math.cos(((south + north) / 2) * (Math.PI / 180));
  const scale = Math.min(
    (canvas.width - 12) / ((east - west) * squeeze || 1),
    (canvas.height - 12) / (north - south || 1),
  );
  const x = (lon) => canvas.width / 2 + (lon - (west + east) / 2) * squeeze * scale;
  const y = (lat) => canvas.height / 2 - (lat - (south + north) / 2) * scale;
  const ctx = canvas.getContext("2d");
  ctx.clearRect(0, 0, canvas.width, canvas.height);
  ctx.beginPath();
  for (const ring of rings) ring.forEach(([lon, lat], i) => ctx[i ? "lineTo" : "moveTo"](x(lon), y(lat)));
  ctx.fillStyle = LAND;
  ctx.strokeStyle = BORDER;
  ctx.fill();
  ctx.stroke();
  for (const { at, state } of lamps) {
    const { fill, night_edge, shape, r } = look(state);
    trace(ctx, shape, x(at.lng), y(at.lat), r);
    ctx.fillStyle = fill === "none" ? night_edge : fill;
    ctx.fill();
  }
}

export const LAND = "#17344f";
export const BORDER = "#5f7f9e";

function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}

export function rings_of(feature) {
  const { type, coordinates } = feature.geometry;
  return (type === "MultiPolygon" ? coordinates : [coordinates]).map((polygon) => polygon[0]);
}

// The middle of the largest ring: where the commune's name is written.
export function label_place(feature) {
  let best = [0, 0, -1];
  for (const ring of rings_of(feature)) {
    let [area, cx, cy] = [0, 0, 0];
    for (let i = 0; i < ring.length - 1; i++) {
      const cross = ring[i][0] * ring[i + 1][1] - ring[i + 1][0] * ring[i][1];
      area += cross;
      cx += (ring[i][0] + ring[i + 1][0]) * cross;
      cy += (ring[i][1] + ring[i + 1][1]) * cross;
    }
    if (Math.abs(area) > best[2]) best = [cy / (3 * area), cx / (3 * area), Math.abs(area)];
  }
  return [best[0], best[1]];
}
