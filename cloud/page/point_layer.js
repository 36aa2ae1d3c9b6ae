// The outlines on one canvas, every asset on another above it. Both are moved with the map and drawn again only when the
// view leaves what is drawn or the zoom is another; the assets also when one of them changed.
import { leaflet as L } from "nicegui-leaflet";
import { BORDER, LAND, rings_of } from "geometry";
import { copy, draw_sprites } from "sprites";

const RANKS = { cabinet: 0, lamp: 1, counter: 2, bin: 3 }; // what is drawn over what
const ON_TOP = 4;

const world = (lon, lat) => L.CRS.EPSG3857.latLngToPoint(L.latLng(lat, lon), 0);

export const PointLayer = L.Renderer.extend({
  options: { padding: 0.35 },

  initialize(symbols) {
    L.Renderer.prototype.initialize.call(this);
    this.symbols = symbols;
    this.points = []; // {id, name, kind, layer, state, commune, lon, lat, x, y, rank}: x, y of the world at zoom 0
    this.by_id = new Map();
    this.hidden = new Set();
    this.chosen = null;
    this.rings = [];
    this.sprites = null;
    this.draws = 0;
  },

  getEvents() {
    return { ...L.Renderer.prototype.getEvents.call(this), move: this._follow };
  },

  set_features(outlines, assets) {
    this.rings = outlines.flatMap(rings_of).map((ring) => ring.map(([lon, lat]) => world(lon, lat)));
    this.points = assets.map(({ id, geometry, properties }) => {
      const [lon, lat] = geometry.coordinates;
      const { x, y } = world(lon, lat);
      return { id, lon, lat, x, y, ...properties };
    });
    this.by_id = new Map(this.points.map((point) => [point.id, point]));
    this.points.forEach((point) => this._rank(point));
    if (this._map) this._update();
  },

  // The new states of some assets: {id: state}; gives the communes where something changed.
  set_states(states) {
    const communes = new Set();
    for (const [id, state] of Object.entries(states)) {
      const point = this.by_id.get(id);
      if (!point) continue;
      point.state = state;
      this._rank(point);
      communes.add(point.commune);
    }
    this.redraw();
    return communes;
  },

  set_layers(shown) {
    this.hidden = new Set(this.points.map((point) => point.layer).filter((layer) => !shown.includes(layer)));
    this.redraw();
  },

  set_chosen(id) {
    this.chosen = id;
    this.redraw();
  },

  // The visible asset next to a point of the map's box (CSS pixels), at most `reach` away.
  nearest(point, reach) {
    const scale = this._map.options.crs.scale(this._map.getZoom()) / 256;
    const origin = this._map.containerPointToLayerPoint(point).add(this._map.getPixelOrigin());
    let best = null;
    let best_px = reach * reach;
    for (const one of this.points) {
      const dx = one.x * scale - origin.x;
      const dy = one.y * scale - origin.y;
      const px = dx * dx + dy * dy;
      if (px < best_px && this._is_drawn(one)) [best, best_px] = [one, px];
    }
    return best;
  },

  redraw() {
    if (!this._map || this._frame) return;
    this._frame = requestAnimationFrame(() => {
      this._frame = null;
      if (this._map && !this._map._animatingZoom) this._draw();
    });
  },

  _rank(point) {
    point.rank = this.symbols[point.kind][point.state].on_top ? ON_TOP : RANKS[point.kind];
  },

  _is_drawn(point) {
    if (this.hidden.has(point.layer)) return false;
    return !this.sprites || this.sprites[point.kind][point.state].size > 0;
  },

  _initContainer() {
    this._container = L.DomUtil.create("div", "leaflet-layer");
    this._land = this._container.appendChild(document.createElement("canvas"));
    this._assets = this._container.appendChild(document.createElement("canvas"));
    for (const canvas of [this._land, this._assets]) canvas.style.position = "absolute";
  },

  _destroyContainer() {
    cancelAnimationFrame(this._frame);
    this._frame = null;
    this._container.remove();
    this._container = null;
  },

  _updatePaths() {},

  _follow() {
    const map = this._map;
    if (map._animatingZoom || map.getZoom() !== this._zoom) return;
    const min = map.containerPointToLayerPoint([0, 0]);
    if (!this._bounds.contains(L.bounds(min, min.add(map.getSize())))) this._update();
  },

  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Renderer.prototype._update.call(this);
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const size = this._bounds.getSize();
    for (const canvas of [this._land, this._assets]) {
      if (canvas.width === size.x * ratio && canvas.height === size.y * ratio) continue;
      canvas.width = size.x * ratio;
      canvas.height = size.y * ratio;
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
      this._image = null;
    }
    L.DomUtil.setPosition(this._container, this._bounds.min);
    if (!this.sprites || this._drawn.zoom !== this._zoom || this._drawn.ratio !== ratio)
      this.sprites = draw_sprites(this.symbols, this._zoom, ratio);
    const scale = this._map.options.crs.scale(this._zoom) / 256;
    const origin = this._map.getPixelOrigin().add(this._bounds.min);
    this._drawn = { zoom: this._zoom, ratio, k: scale * ratio, x: origin.x * ratio, y: origin.y * ratio };
    this._draw_land();
    this._draw();
  },

  _draw_land() {
    const { k, x: x0, y: y0, ratio } = this._drawn;
    const ctx = this._land.getContext("2d");
    ctx.clearRect(0, 0, this._land.width, this._land.height);
    ctx.beginPath();
    for (const ring of this.rings) {
      ring.forEach(({ x, y }, i) => ctx[i ? "lineTo" : "moveTo"](x * k - x0, y * k - y0));
      ctx.closePath();
    }
    ctx.fillStyle = LAND;
    ctx.fill();
    ctx.strokeStyle = BORDER;
    ctx.lineWidth = 1.5 * ratio;
    ctx.stroke();
  },

  _draw() {
    this.draws += 1;
    const { k, x: x0, y: y0 } = this._drawn;
    const { width, height } = this._assets;
    const ctx = this._assets.getContext("2d");
    this._image ??= ctx.createImageData(width, height);
    const pixels = new Uint32Array(this._image.data.buffer).fill(0);
    const ranked = Array.from({ length: ON_TOP + 1 }, () => []);
    for (const point of this.points) {
      const sprite = this.sprites[point.kind][point.state];
      if (!sprite.size || this.hidden.has(point.layer)) continue;
      const x = Math.round(point.x * k - x0 - sprite.size / 2);
      const y = Math.round(point.y * k - y0 - sprite.size / 2);
      if (x > -sprite.size && y > -sprite.size && x < width && y < height) ranked[point.rank].push(sprite, x, y);
    }
    for (const flat of ranked)
      for (let i = 0; i < flat.length; i += 3) copy(flat[i], flat[i + 1], flat[i + 2], pixels, width, height);
    ctx.putImageData(this._image, 0, 0);
    this._draw_chosen(ctx);
  },

  _draw_chosen(ctx) {
    const point = this.by_id.get(this.chosen);
    if (!point) return;
    const { k, x: x0, y: y0, ratio } = this._drawn;
    ctx.beginPath();
    const { half } = this.sprites[point.kind][point.state];
    ctx.arc(point.x * k - x0, point.y * k - y0, (half * 0.7 + 6) * ratio, 0, Math.PI * 2);
    ctx.lineWidth = 3 * ratio;
    ctx.strokeStyle = "#ffffff";
    ctx.stroke();
  },
});
