// The map: outlines and all assets on one canvas; a small overview per zone beside it.
// It loads its places once and is then told only which assets changed; when it missed a message it loads them again.
import { leaflet as L } from "nicegui-leaflet";
import { bounds_of, draw_overview, label_place, outline_at } from "geometry";
import { PointLayer } from "point_layer";
import { tint } from "sprites";
import { loadResource } from "../../static/utils/resources.js";

const NEAR_PX = 22; // half of a finger: a tap this close to an asset is meant for it
const NAME_PX = 64; // a commune narrower than this has no room for its name
const OVERVIEW_MS = 3000; // an overview is drawn no more often

export default {
  template: `
    <div class="asset-map">
      <div ref="map" class="asset-map-view" role="application"
           aria-label="Carte des équipements. Flèches pour se déplacer, plus et moins pour agrandir."></div>
      <div class="asset-map-zones" role="group" aria-label="Aller à" v-show="zones.length > 1">
        <button v-for="zone in zones" :key="zone.id" type="button" class="asset-map-zone"
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
    this.pending = [];
    this.shown = null; // the layers; null: all of them
    this.outlines = [];
    this.stale_zones = new Set();
    this.fitted = null; // the communes in view, until someone moves the map
    this.fitting = false;
    this.revision = -1;
  },
  async mounted() {
    await this.$nextTick(); // window.path_prefix is set by then
    await loadResource(window.path_prefix + `${this.resourcePath}/leaflet/leaflet.css`);
    this.map = L.map(this.$refs.map, {
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
    this.layer = new PointLayer(this.symbols);
    this.tip = L.tooltip({ direction: "top", offset: [0, -8], className: "asset-tip" });
    this.map.on("zoomend", this.fit_names);
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
    clearTimeout(this.overview_timer);
    this.observer?.disconnect();
    this.map?.remove();
  },
  methods: {
    async load() {
      this.loading = true;
      const [outlines, assets] = await Promise.all(
        ["api/outlines", "api/assets"].map(async (path) => (await fetch(`${window.path_prefix}/${path}`)).json()),
      );
      this.draw(outlines.features, assets);
      this.loading = false;
      this.pending.splice(0).forEach((change) => this.apply(change));
    },
    draw(outlines, assets) {
      this.names?.remove();
      this.outlines = outlines;
      this.zones = assets.zones;
      this.names = L.layerGroup(
        outlines.map((feature) => {
          const icon = L.divIcon({ className: "commune-name", iconSize: null, html: "<span></span>" });
          const marker = L.marker(label_place(feature), { icon, interactive: false, keyboard: false });
          marker.on("add", () => (marker.getElement().firstChild.textContent = feature.properties.name));
          marker.commune = L.latLngBounds(bounds_of([feature]));
          return marker;
        }),
      ).addTo(this.map);
      this.layer.set_features(outlines, assets.features);
      if (this.shown) this.layer.set_layers(this.shown);
      if (this.current === null && this.zones.length) this.show_zone(this.zones[0].id, false);
      else if (!this.map._loaded) this.map.fitBounds(bounds_of(outlines) ?? [[41, -5], [51, 10]]);
      if (!this.map.hasLayer(this.layer)) this.layer.addTo(this.map);
      this.fit_names();
      this.revision = assets.revision;
      this.$nextTick(() => this.zones.forEach(this.draw_thumb));
    },
    // A change of the states: {base, revision, states: {asset: state}, redraw}
    apply(change) {
      if (this.loading) return void this.pending.push(change);
      if (change.revision <= this.revision) return;
      if (change.redraw || change.base !== this.revision) return void this.load();
      this.revision = change.revision;
      const communes = this.layer.set_states(change.states);
      for (const zone of this.zones) if (zone.communes.some((insee) => communes.has(insee))) this.stale_zones.add(zone);
      this.overview_timer ??= setTimeout(this.draw_stale, OVERVIEW_MS);
    },
    draw_stale() {
      this.overview_timer = null;
      this.stale_zones.forEach(this.draw_thumb);
      this.stale_zones.clear();
    },
    show_layers(layers) {
      this.shown = layers;
      this.layer?.set_layers(layers);
      this.zones.forEach(this.draw_thumb);
    },
    // A name wider than its commune is not written.
    fit_names() {
      this.names?.eachLayer((marker) => {
        const box = [marker.commune.getSouthWest(), marker.commune.getNorthEast()].map((c) => this.map.project(c));
        marker.getElement()?.classList.toggle("is-small", box[1].x - box[0].x < NAME_PX);
      });
    },
    choose(asset) {
      this.layer.set_chosen(asset);
      const point = this.layer.by_id.get(asset);
      if (!point) return;
      this.current = this.zone_of(point.commune);
      const at = [point.lat, point.lon];
      if (!this.map.getBounds().pad(-0.1).contains(at) || this.map.getZoom() < 14)
        this.map.setView(at, Math.max(this.map.getZoom(), 15));
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
      const points = this.layer.points.filter((point) => communes.includes(point.commune));
      const bounds = bounds_of(
        this.outlines.filter((feature) => communes.includes(feature.properties.insee)),
        points.map(({ lon, lat }) => [lon, lat]),
      );
      if (!bounds) return;
      this.fitting = true;
      this.fitted = communes;
      this.map.fitBounds(bounds, { padding: [12, 12], animate });
    },
    // Whoever has not moved the map keeps what was chosen in view.
    on_resize() {
      this.map.invalidateSize({ animate: false });
      if (this.loading || !this.map._loaded) return;
      const point = this.layer.by_id.get(this.layer.chosen);
      if (point && !this.map.getBounds().contains([point.lat, point.lon])) this.map.panTo([point.lat, point.lon]);
      else if (this.fitted) this.fit(this.fitted, false);
    },
    on_click(event) {
      const point = this.layer.nearest(event.containerPoint, NEAR_PX);
      if (point) return void this.$emit("asset", point.id);
      const commune = outline_at(this.outlines, event.latlng.lng, event.latlng.lat);
      if (commune) this.$emit("commune", commune.properties.insee);
    },
    on_move(event) {
      if (this.moving || this.map.dragging.moving()) return;
      this.moving = requestAnimationFrame(() => {
        this.moving = null;
        const point = this.layer.nearest(event.containerPoint, NEAR_PX);
        this.$refs.map.style.cursor = point ? "pointer" : "";
        if (!point) return void this.map.closeTooltip(this.tip);
        const text = document.createElement("span"); // as text: a name is never markup
        text.textContent = `${point.name} · ${this.symbols[point.kind][point.state].word}`;
        this.tip.setLatLng([point.lat, point.lon]).setContent(text);
        this.map.openTooltip(this.tip);
      });
    },
    // Where an asset is on the screen, in CSS pixels.
    position(asset) {
      const point = this.layer?.by_id.get(asset);
      if (!point || this.loading) return null;
      const at = this.map.latLngToContainerPoint([point.lat, point.lon]);
      const box = this.$refs.map.getBoundingClientRect();
      return { x: box.left + at.x, y: box.top + at.y, state: point.state };
    },
    draw_thumb(zone) {
      const canvas = this.$refs[`thumb-${zone.id}`]?.[0];
      if (!canvas) return;
      const points = this.layer.points
        .filter((point) => zone.communes.includes(point.commune) && point.kind !== "cabinet")
        .filter((point) => !this.layer.hidden.has(point.layer))
        .sort((a, b) => a.rank - b.rank)
        .map((point) => {
          const symbol = this.symbols[point.kind][point.state];
          return { lon: point.lon, lat: point.lat, colour: tint(symbol), size: symbol.on_top ? 5 : 3 };
        });
      const outlines = this.outlines.filter((feature) => zone.communes.includes(feature.properties.insee));
      draw_overview(canvas, outlines, points);
    },
  },
};
