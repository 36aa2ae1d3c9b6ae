// The map: outlines, then all lamps as one GeoJSON layer on canvas; a small overview per zone below it.
// It loads its places once and is then told only which lamps changed; when it missed a message it loads them again.
import { leaflet as L } from "nicegui-leaflet";
import { BORDER, LAND, draw_overview, label_place, rings_of, trace } from "lamp_shapes";
import { loadResource } from "../../static/utils/resources.js";

const NEAR_PX = 22; // half of a finger: a tap this close to a lamp is meant for it
const NAME_PX = 64; // a commune narrower than this has no room for its name
const ON_TOP = ["suspect", "fault"]; // drawn last and never smaller than this, so that they are seen from afar
const ON_TOP_R = 4;
const MARGIN = 12; // twice how far a symbol reaches beyond its radius; Leaflet calls it the weight

// A circle marker that the canvas draws in the shape of its state.
const LampMarker = L.CircleMarker.extend({
  _updatePath() {
    const renderer = this._renderer;
    if (!renderer._drawing || this._empty()) return;
    const { state } = this.feature.properties;
    const { fill, night_edge, shape } = this.options.symbols[state];
    const { x, y } = this._point;
    const r = ON_TOP.includes(state) ? Math.max(this._radius, ON_TOP_R) : this._radius;
    const ctx = renderer._ctx;
    if (this.options.chosen) {
      ctx.beginPath();
      ctx.arc(x, y, r + 7, 0, Math.PI * 2);
      ctx.lineWidth = 3;
      ctx.strokeStyle = "#ffffff";
      ctx.stroke();
    }
    trace(ctx, shape, x, y, r);
    if (fill !== "none") {
      ctx.fillStyle = fill;
      ctx.fill();
    }
    if (fill !== "none" && r < 3 && shape === "disc") return; // an edge would be all there is of it
    ctx.lineWidth = shape === "ring" ? Math.max(1, r * 0.4) : 1;
    ctx.strokeStyle = night_edge;
    ctx.stroke();
  },
});

const radiusAt = (zoom) => (zoom < 11 ? 1.8 : zoom < 12.5 ? 2.4 : zoom < 14 ? 3.6 : zoom < 15.5 ? 5 : 7);

export default {
  template: `
    <div class="lamp-map">
      <div ref="map" class="lamp-map-view" role="application"
           aria-label="Carte des lampadaires. Flèches pour se déplacer, plus et moins pour agrandir."></div>
      <div class="lamp-map-zones" role="group" aria-label="Aller à" v-show="zones.length > 1">
        <button v-for="zone in zones" :key="zone.id" type="button" class="lamp-map-zone"
                :aria-pressed="zone.id === current" @click="show_zone(zone.id)">
          <canvas :ref="'thumb-' + zone.id" width="300" height="200" aria-hidden="true"></canvas>
          <span>{{ zone.name }}</span>
        </button>
      </div>
    </div>`,
  props: { resourcePath: String, symbols: Object },
  data: () => ({ zones: [], current: null }),
  created() {
    this.loading = true;
    this.markers = new Map();
    this.pending = [];
    this.chosen = null;
    this.fitted = null; // the communes in view, until someone moves the map
    this.fitting = false;
    this.revision = -1;
  },
  async mounted() {
    await this.$nextTick(); // window.path_prefix is set by then
    await loadResource(window.path_prefix + `${this.resourcePath}/leaflet/leaflet.css`);
    this.map = L.map(this.$refs.map, {
      preferCanvas: true,
      renderer: L.canvas({ padding: 0.3 }),
      zoomControl: false,
      zoomSnap: 0.25,
      minZoom: 6,
      maxZoom: 19,
      worldCopyJump: false,
    });
    this.map.attributionControl.setPrefix(false);
    this.map.attributionControl.addAttribution("Contours : IGN Admin Express · INSEE · DGCL");
    L.control.zoom({ zoomInTitle: "Agrandir", zoomOutTitle: "Réduire" }).addTo(this.map);
    L.control.scale({ imperial: false }).addTo(this.map);
    this.tip = L.tooltip({ direction: "top", offset: [0, -8], className: "lamp-tip" });
    this.map.on("zoomend", this.resize_lamps);
    this.map.on("click", this.on_click);
    this.map.on("mousemove", this.on_move);
    this.map.on("mouseout", () => this.map.closeTooltip(this.tip));
    this.map.on("dragstart", () => (this.fitted = null));
    this.map.on("zoomstart", () => this.fitting || (this.fitted = null));
    this.map.on("moveend", () => (this.fitting = false));
    this.observer = new ResizeObserver(this.on_resize);
    this.observer.observe(this.$refs.map);
    await this.load();
  },
  beforeUnmount() {
    this.observer?.disconnect();
    this.map?.remove();
  },
  methods: {
    async load() {
      this.loading = true;
      const [outlines, lamps] = await Promise.all(
        ["api/outlines", "api/lamps"].map(async (path) => (await fetch(`${window.path_prefix}/${path}`)).json()),
      );
      this.draw(outlines, lamps);
      this.loading = false;
      this.pending.splice(0).forEach((change) => this.apply(change));
    },
    draw(outlines, lamps) {
      this.outlines?.remove();
      this.lamps?.remove();
      this.names?.remove();
      this.markers.clear();
      this.rings = outlines.features;
      this.zones = lamps.zones;
      this.outlines = L.geoJSON(outlines, {
        style: { color: BORDER, weight: 1.5, fillColor: LAND, fillOpacity: 1 },
        onEachFeature: (feature, layer) => layer.on("click", () => (this.clicked_commune = feature.properties.insee)),
      }).addTo(this.map);
      this.names = L.layerGroup(
        outlines.features.map((feature) => {
          const icon = L.divIcon({ className: "commune-name", iconSize: null, html: "<span></span>" });
          const marker = L.marker(label_place(feature), { icon, interactive: false, keyboard: false });
          marker.on("add", () => (marker.getElement().firstChild.textContent = feature.properties.name));
          marker.commune = L.geoJSON(feature).getBounds();
          return marker;
        }),
      ).addTo(this.map);
      if (this.current === null && this.zones.length) this.show_zone(this.zones[0].id, false);
      else if (!this.map._loaded) this.map.fitBounds(this.outlines.getBounds());
      const radius = radiusAt(this.map.getZoom());
      this.lamps = L.geoJSON(lamps, {
        pointToLayer: (feature, at) => {
          const marker = new LampMarker(at, { radius, weight: MARGIN, symbols: this.symbols, interactive: false });
          this.markers.set(feature.id, marker);
          return marker;
        },
      }).addTo(this.map);
      for (const state of ON_TOP)
        for (const marker of this.markers.values())
          if (marker.feature.properties.state === state) marker.bringToFront();
      this.fit_names();
      this.revision = lamps.revision;
      this.$nextTick(() => this.zones.forEach((zone) => this.draw_thumb(zone)));
    },
    // A change of the states: {base, revision, states: {asset: state}, redraw}
    apply(change) {
      if (this.loading) return void this.pending.push(change);
      if (change.revision <= this.revision) return;
      if (change.redraw || change.base !== this.revision) return void this.load();
      this.revision = change.revision;
      const communes = new Set();
      for (const [asset, state] of Object.entries(change.states)) {
        const marker = this.markers.get(asset);
        if (!marker) continue;
        marker.feature.properties.state = state;
        communes.add(marker.feature.properties.commune);
        marker.setStyle({}); // asks the canvas for this lamp's rectangle alone
        this.raise(marker);
      }
      for (const zone of this.zones) if (zone.communes.some((insee) => communes.has(insee))) this.draw_thumb(zone);
    },
    raise(marker) {
      if (ON_TOP.includes(marker.feature.properties.state)) marker.bringToFront();
    },
    resize_lamps() {
      const radius = radiusAt(this.map.getZoom());
      for (const marker of this.markers.values()) marker.setRadius(radius);
      this.fit_names();
    },
    // A name wider than its commune is not written.
    fit_names() {
      this.names.eachLayer((marker) => {
        const box = [marker.commune.getSouthWest(), marker.commune.getNorthEast()].map((c) => this.map.project(c));
        marker.getElement()?.classList.toggle("is-small", box[1].x - box[0].x < NAME_PX);
      });
    },
    choose(asset) {
      this.markers.get(this.chosen)?.setStyle({ chosen: false, weight: MARGIN });
      this.chosen = asset;
      const marker = this.markers.get(asset);
      if (!marker) return;
      marker.setStyle({ chosen: true, weight: 2 * MARGIN });
      marker.bringToFront();
      this.current = this.zone_of(marker.feature.properties.commune);
      if (!this.map.getBounds().pad(-0.1).contains(marker.getLatLng()) || this.map.getZoom() < 14)
        this.map.setView(marker.getLatLng(), Math.max(this.map.getZoom(), 15));
    },
    show_zone(id, animate = true) {
      const zone = this.zones.find((one) => one.id === id);
      if (!zone) return;
      this.current = id;
      this.fit(zone.communes, animate);
    },
    show_commune(insee) {
      this.current = this.zone_of(insee);
      this.fit([insee], true);
    },
    zone_of(insee) {
      return this.zones.find((zone) => zone.communes.includes(insee))?.id ?? null;
    },
    fit(communes, animate) {
      const bounds = L.latLngBounds([]);
      this.outlines.eachLayer((layer) => {
        if (communes.includes(layer.feature.properties.insee)) bounds.extend(layer.getBounds());
      });
      for (const marker of this.markers.values())
        if (communes.includes(marker.feature.properties.commune)) bounds.extend(marker.getLatLng());
      if (!bounds.isValid()) return;
      this.fitting = true;
      this.fitted = communes;
      this.map.fitBounds(bounds, { padding: [12, 12], animate });
    },
    // Whoever has not moved the map keeps what was chosen in view.
    on_resize() {
      this.map.invalidateSize({ animate: false });
      if (this.loading || !this.map._loaded) return;
      const marker = this.markers.get(this.chosen);
      if (marker && !this.map.getBounds().contains(marker.getLatLng())) this.map.panTo(marker.getLatLng());
      else if (this.fitted) this.fit(this.fitted, false);
    },
    nearest(point) {
      let best = null;
      let best_px = NEAR_PX;
      for (const marker of this.markers.values()) {
        const distance = this.map.latLngToContainerPoint(marker.getLatLng()).distanceTo(point);
        if (distance < best_px) [best, best_px] = [marker, distance];
      }
      return best;
    },
    on_click(event) {
      const marker = this.nearest(event.containerPoint);
      const commune = this.clicked_commune;
      this.clicked_commune = null;
      if (marker) this.$emit("lamp", marker.feature.id);
      else if (commune) this.$emit("commune", commune);
    },
    on_move(event) {
      if (this.moving) return;
      this.moving = requestAnimationFrame(() => {
        this.moving = null;
        const marker = this.nearest(event.containerPoint);
        this.$refs.map.style.cursor = marker ? "pointer" : "";
        if (!marker) return void this.map.closeTooltip(this.tip);
        const text = document.createElement("span"); // as text: an id is never markup
        text.textContent = marker.feature.id;
        this.tip.setLatLng(marker.getLatLng()).setContent(text);
        this.map.openTooltip(this.tip);
      });
    },
    // Where a lamp is on the screen, in CSS pixels.
    position(asset) {
      const marker = this.markers?.get(asset);
      if (!marker || this.loading) return null;
      const at = this.map.latLngToContainerPoint(marker.getLatLng());
      const box = this.$refs.map.getBoundingClientRect();
      return { x: box.left + at.x, y: box.top + at.y, state: marker.feature.properties.state };
    },
    draw_thumb(zone) {
      const canvas = this.$refs[`thumb-${zone.id}`]?.[0];
      if (!canvas) return;
      const rings = this.rings.filter((feature) => zone.communes.includes(feature.properties.insee)).flatMap(rings_of);
      const lamps = [...this.markers.values()]
        .filter((marker) => zone.communes.includes(marker.feature.properties.commune))
        .map((marker) => ({ at: marker.getLatLng(), state: marker.feature.properties.state }));
      draw_overview(canvas, rings, lamps, (state) => ({
        ...this.symbols[state],
        r: ON_TOP.includes(state) ? ON_TOP_R : 1.8,
      }));
    },
  },
};
