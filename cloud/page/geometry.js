// Outlines as numbers, and the overview of a zone. Knows nothing of Leaflet.
export const LAND = "#17344f";
export const BORDER = "#5f7f9e";

function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}

// The outer rings of an outline, each a list of [lon, lat].
export function rings_of(feature) {
  const { type, coordinates } = feature.geometry;
  return (type === "MultiPolygon" ? coordinates : [coordinates]).map((polygon) => polygon[0]);
}

// [[south, west], [north, east]] of some outlines and points ([lon, lat]); null without any.
export function bounds_of(features, points = []) {
  const all = [...features.flatMap(rings_of).flat(), ...points];
  if (!all.length) return null;
  const [west, east] = range(all.map((point) => point[0]));
  const [south, north] = range(all.map((point) => point[1]));
  return [
    [south, west],
    [north, east],
  ];
}

// The outline in which a place lies; undefined outside all of them.
export function outline_at(features, lon, lat) {
  return features.find((feature) => rings_of(feature).some((ring) => is_inside(ring, lon, lat)));
}

function is_inside(ring, lon, lat) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [[x1, y1], [x2, y2]] = [ring[i], ring[j]];
    if (y1 > lat !== y2 > lat && lon < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
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

// Outlines and points of a zone, as large as the canvas allows. `points`: {lon, lat, colour, size}.
export function draw_overview(canvas, features, points) {
  const bounds = bounds_of(
    features,
    points.map(({ lon, lat }) => [lon, lat]),
  );
  if (!bounds) return;
  const [[south, west], [north, east]] = bounds;
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
  for (const ring of features.flatMap(rings_of))
    ring.forEach(([lon, lat], i) => ctx[i ? "lineTo" : "moveTo"](x(lon), y(lat)));
  ctx.fillStyle = LAND;
  ctx.strokeStyle = BORDER;
  ctx.fill();
  ctx.stroke();
  for (const { lon, lat, colour, size } of points) {
    ctx.fillStyle = colour;
    ctx.fillRect(x(lon) - size / 2, y(lat) - size / 2, size, size);
  }
}
