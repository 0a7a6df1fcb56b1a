"use strict";
// Small pieces charts are made of: formats, scales, axes. Everything returns SVG text. `D` is the document of the page.
const D = JSON.parse(document.getElementById("data").textContent), $ = id => document.getElementById(id), redraw = [];
const DAY = 864e5, MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const css = name => `var(--${name})`;
const esc = text => String(text).replace(/[&<>"']/g, one => `&#${one.charCodeAt(0)};`);
const num = (value, digits = 2) => value == null ? "–" : Number(value).toLocaleString("en-US",
  { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "negative" }).replace("-", "−");
const places = step => { for (let n = 0; n < 6; n++) if (Math.abs(step * 10 ** n - Math.round(step * 10 ** n)) < 1e-6) return n; return 6; };
const signed = (value, digits = 2) => value == null ? "–" : (value > 0 ? "+" : value < 0 ? "−" : "") + num(Math.abs(value), digits);
const pct = (value, digits = 2) => value == null ? "–" : num(value * 100, digits) + " %";
const spct = (value, digits = 2) => value == null ? "–" : signed(value * 100, digits) + " %";
const tone = value => value > 0 ? "good" : value < 0 ? "bad" : "";
const two = value => String(value).padStart(2, "0");
const day = ms => { const d = new Date(ms); return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`; };
const clock = ms => { const d = new Date(ms); return `${day(ms)} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`; };
const span = ms => ms == null ? "–" : ms >= 2 * DAY ? num(ms / DAY, 1) + " d" : ms >= 36e5 ? num(ms / 36e5, 1) + " h" : num(ms / 6e4, 0) + " min";
const words = text => String(text).replace(/_/g, " ");

function steps(from, to, count) {
  if (!(to > from)) return [from];
  const rough = (to - from) / Math.max(count, 1), base = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map(k => k * base).find(k => k >= rough);
  const out = [];
  for (let value = Math.ceil(from / step) * step; value <= to + step * 1e-9; value += step) out.push(Math.abs(value) < step * 1e-9 ? 0 : value);
  return out;
}

function times(from, to, count) {
  const wide = (to - from) / Math.max(count, 1), out = [];
  const months = [1, 2, 3, 6, 12].find(k => k * 30 * DAY >= wide) || 12;
  if (wide > 16 * DAY) {
    const d = new Date(from);
    for (let year = d.getUTCFullYear(), month = 0; ; month += months) {
      const at = Date.UTC(year, month, 1);
      if (at > to) break;
      if (at >= from) { const one = new Date(at); out.push([at, one.getUTCMonth() ? MONTHS[one.getUTCMonth()] : String(one.getUTCFullYear())]); }
    }
    return out;
  }
  const step = [5 * 6e4, 15 * 6e4, 30 * 6e4, 36e5, 2 * 36e5, 4 * 36e5, 6 * 36e5, 12 * 36e5, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY].find(k => k >= wide) || 14 * DAY;
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    const d = new Date(at), midnight = at % DAY === 0;
    out.push([at, midnight ? `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}` : `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`]);
  }
  return out;
}

// A plot area inside an element: scales, grid and axis labels; room for labels is left on the right.
function frame(host, o) {
  const w = Math.max(host.clientWidth, 260), h = o.height, m = { l: 4, r: o.right ?? 58, t: o.top ?? 8, b: o.bottom ?? 22 };
  const iw = w - m.l - m.r, ih = h - m.t - m.b;
  const X = v => m.l + (v - o.x[0]) / (o.x[1] - o.x[0] || 1) * iw, Y = v => m.t + (1 - (v - o.y[0]) / (o.y[1] - o.y[0] || 1)) * ih;
  const parts = [];
  const rungs = steps(o.y[0], o.y[1], Math.max(2, Math.round(ih / 46))), rung = rungs.length > 1 ? rungs[1] - rungs[0] : 1;
  for (const v of rungs) {
    parts.push(`<line x1="${m.l}" x2="${w - m.r}" y1="${Y(v)}" y2="${Y(v)}" stroke="${css(v === 0 && o.zero ? "soft" : "grid")}"/>`);
    parts.push(`<text x="${w - m.r + 6}" y="${Y(v) + 4}">${esc(o.label(v, rung))}</text>`);
  }
  if (o.time) for (const [at, text] of times(o.x[0], o.x[1], iw / 66)) {
    const px = X(at);
    parts.push(`<line x1="${px}" x2="${px}" y1="${h - m.b}" y2="${h - m.b + 4}" stroke="${css("line")}"/>`);
    if (px > 16 && px < w - m.r + 10) parts.push(`<text x="${px}" y="${h - 5}" text-anchor="middle">${text}</text>`);
  }
  return { w, h, m, iw, ih, X, Y, parts, back: px => o.x[0] + (px - m.l) / iw * (o.x[1] - o.x[0]),
    draw: () => { host.innerHTML = `<svg viewBox="0 0 ${w} ${h}" height="${h}" role="img" aria-label="${esc(o.name)}">${parts.join("")}</svg>`; } };
}

const path = (xs, ys) => { let out = ""; for (let i = 0; i < xs.length; i++) out += (i ? "L" : "M") + xs[i].toFixed(1) + "," + ys[i].toFixed(1); return out; };
const pad = (low, high, share = .06) => { const extra = (high - low || Math.abs(high) || 1) * share; return [low - extra, high + extra]; };

function search(list, value) {
  let low = 0, high = list.length - 1;
  while (low < high) { const middle = (low + high) >> 1; if (list[middle] < value) low = middle + 1; else high = middle; }
  return low;
}

const MARKS = [["Entry", "entry"], ["Add", "add"], ["Take-profit", "good"], ["Stop", "bad"], ["Other exit", "exit"]];
function mark(kind, side, x, y, size = 5) {
  const colour = css(MARKS[kind][1]), s = size, edge = `stroke="${css("card")}" stroke-width="1"`;
  if (kind < 2) { const up = side > 0 ? 1 : -1, top = y + up * 2; return `<path d="M${x},${top} l${s},${up * s * 1.7} h${-2 * s}z" fill="${colour}" ${edge}/>`; }
  if (kind === 2) return `<circle cx="${x}" cy="${y}" r="${s * .8}" fill="${colour}" ${edge}/>`;
  if (kind === 3) return `<path d="M${x - s * .8},${y - s * .8}l${s * 1.6},${s * 1.6}m0,${-s * 1.6}l${-s * 1.6},${s * 1.6}" stroke="${colour}" stroke-width="2.2" fill="none"/>`;
  return `<rect x="${x - s * .75}" y="${y - s * .75}" width="${s * 1.5}" height="${s * 1.5}" fill="${colour}" ${edge}/>`;
}

const tip = document.getElementById("tip");
function hint(event, text) {
  tip.hidden = !text;
  if (!text) return;
  tip.innerHTML = text;
  const box = tip.getBoundingClientRect(), x = event.clientX + 14, y = event.clientY + 14;
  tip.style.left = Math.max(4, x + box.width > innerWidth - 6 ? event.clientX - box.width - 12 : x) + "px";
  tip.style.top = (y + box.height > innerHeight - 6 ? event.clientY - box.height - 12 : y) + "px";
}

function buttons(id, list, chosen, pick) {
  const host = document.getElementById(id);
  host.innerHTML = list.map(([key, text]) => `<button type="button" data-key="${esc(key)}" aria-pressed="${key === chosen}">${esc(text)}</button>`).join("");
  host.onclick = event => { const one = event.target.closest("button"); if (one) pick(one.dataset.key); };
}

function themes() {
  const names = [["", "Auto"], ["light", "Light"], ["dark", "Dark"]];
  const pick = key => { if (key) document.documentElement.dataset.theme = key; else delete document.documentElement.dataset.theme; buttons("theme", names, key, pick); };
  pick(document.documentElement.dataset.theme || "");
}

// Draw everything, and what hangs on the width again when it changes.
function show(sections) {
  [...sections, ...redraw].forEach(draw => draw());
  let waiting = 0, width = innerWidth;
  addEventListener("resize", () => { if (innerWidth === width) return; width = innerWidth; clearTimeout(waiting); waiting = setTimeout(() => redraw.forEach(draw => draw()), 120); });
}
