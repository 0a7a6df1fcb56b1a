// The price chart with orders: it is dragged, zoomed and brushed. It reads `D.series` and tells `around` what it shows.
const S = D.series;
// What is drawn at the moment: the price of the only symbol, or of one of several.
let P, tick, digits, C, opens, first, end, span0, least, view;
const digitsOf = series => Math.max(0, (series.tick.split(".")[1] || "").length);
const price = ticks => num(ticks * tick, digits);
function choose(series) {
  P = series; tick = Number(P.tick); digits = digitsOf(P);
  C = P.candles.reduce((all, row) => { const last = all[all.length - 1]; all.push(last ? row.map((v, i) => v + last[i]) : row.slice()); return all; }, []);
  C.forEach(row => { row[0] *= P.candle_ms; });
  opens = C.map(row => row[0]); first = opens[0]; end = opens[opens.length - 1] + P.candle_ms;
  span0 = end - first; least = Math.max(P.candle_ms * 24, 36e5);
  view = [first, end];
}
choose(D.symbols ? D.symbols[0].chart : S);
// What a page draws over and below the candles. A row: [open time, open, high, low, close, end, number of its last candle].
const around = { over: () => {}, below: () => {}, at: () => {}, tell: () => "", turn: () => {} };

function look(from, to) {
  let wide = Math.min(Math.max(to - from, least), span0), begin = Math.min(Math.max(from, first), end - wide);
  view = [begin, begin + wide];
  prices();
}
function shown() {
  const a = Math.max(search(opens, view[0]) - 1, 0), b = Math.min(search(opens, view[1]) + 1, C.length), room = Math.max($("price").clientWidth, 260) - 62;
  const group = Math.max(1, Math.ceil((b - a) / (room / 4))), out = [];
  for (let i = a; i < b; i += group) {
    const rows = C.slice(i, Math.min(i + group, b));
    out.push([rows[0][0], rows[0][1], Math.max(...rows.map(r => r[2])), Math.min(...rows.map(r => r[3])), rows[rows.length - 1][4], rows[rows.length - 1][0] + P.candle_ms, i + rows.length - 1]);
  }
  return out;
}
function prices() {
  const rows = shown(), [x0, x1] = view;
  const marks = P.marks.filter(one => one[0] >= x0 && one[0] <= x1), stops = P.lines.filter(one => one[1] >= x0 && one[0] <= x1);
  let low = Math.min(...rows.map(r => r[3])), high = Math.max(...rows.map(r => r[2]));
  if (marks.length < 80) { const reach = 2 * (high - low), inside = stops.map(one => one[2]).filter(v => v > low - reach && v < high + reach); low = Math.min(low, ...inside); high = Math.max(high, ...inside); }
  const f = frame($("price"), { height: innerWidth < 700 ? 320 : 420, x: view, y: pad(low, high, .05), label: v => num(v * tick, (high - low) * tick > 40 ? 0 : digits), time: true, name: "Price with orders", right: 62 });
  f.parts.push(`<clipPath id="area"><rect x="${f.m.l}" y="${f.m.t}" width="${f.iw}" height="${f.ih}"/></clipPath><g clip-path="url(#area)">`);
  const width = Math.max(1, Math.min(9, f.iw / rows.length * .62)), ups = ["", ""], bodies = ["", ""];
  for (const r of rows) {
    const x = f.X((r[0] + r[5]) / 2), up = r[4] >= r[1] ? 0 : 1, y = f.Y(Math.max(r[1], r[4]));
    ups[up] += `M${x.toFixed(1)},${f.Y(r[2]).toFixed(1)}V${f.Y(r[3]).toFixed(1)}`;
    bodies[up] += `M${(x - width / 2).toFixed(1)},${y.toFixed(1)}h${width.toFixed(1)}v${Math.max(f.Y(Math.min(r[1], r[4])) - y, .8).toFixed(1)}h${(-width).toFixed(1)}z`;
  }
  ["good", "bad"].forEach((colour, i) => f.parts.push(`<path d="${ups[i]}" stroke="${css(colour)}" opacity=".45"/><path d="${bodies[i]}" fill="${css(colour)}" opacity=".55"/>`));
  around.over(f, rows);
  f.parts.push(`<path d="${stops.map(one => `M${f.X(Math.max(one[0], x0)).toFixed(1)},${f.Y(one[2]).toFixed(1)}H${f.X(Math.min(one[1], x1)).toFixed(1)}`).join("")}" stroke="${css("bad")}" stroke-width="1.3" stroke-dasharray="4 3" fill="none" opacity="${marks.length > 240 ? .4 : .85}"/>`);
  const crowd = marks.length > 240, size = crowd ? 2.6 : marks.length > 80 ? 4.4 : 5.6, dense = Math.ceil(marks.length / 1500);
  if (crowd) f.parts.push(`<path d="${path(rows.map(r => f.X((r[0] + r[5]) / 2)), rows.map(r => f.Y(r[4])))}" stroke="${css("soft")}" fill="none" opacity=".8"/>`);
  marks.forEach((one, i) => { if (i % dense === 0) f.parts.push(mark(one[3], one[2], f.X(one[0]), f.Y(one[1]), size)); });
  f.parts.push(`</g><g class="cross"></g>`);
  f.draw();
  brush();
  around.below(rows);
  const host = $("price"), svg = host.querySelector("svg");
  let grip = null;
  svg.onpointerdown = event => { grip = [event.clientX, view[0], view[1]]; svg.classList.add("moving"); host.setPointerCapture(event.pointerId); };
  host.onpointerup = host.onpointercancel = () => { grip = null; svg.classList.remove("moving"); };
  host.onpointermove = event => {
    const at = f.back(event.clientX - host.getBoundingClientRect().left);
    if (grip) { const moved = (event.clientX - grip[0]) / f.iw * (grip[2] - grip[1]); if (Math.abs(event.clientX - grip[0]) > 3) { const g = grip; look(g[1] - moved, g[2] - moved); host.onpointerdown = null; grip = g; carry(g); } return; }
    const near = marks.reduce((best, one) => { const away = Math.abs(f.X(one[0]) - f.X(at)); return away < 8 && away < best[0] ? [away, one] : best; }, [9, null])[1];
    const r = rows[Math.min(search(rows.map(one => one[5]), at), rows.length - 1)], x = f.X(Math.min(Math.max(at, x0), x1));
    host.querySelector(".cross").innerHTML = `<line x1="${x}" x2="${x}" y1="${f.m.t}" y2="${f.h - f.m.b}" stroke="${css("soft")}" stroke-dasharray="3 3"/>`;
    around.at(r, x);
    hint(event, near ? `<b>${MARKS[near[3]][0]}</b> ${near[2] > 0 ? "buy" : "sell"} at ${price(near[1])}<br>${clock(near[0])} · deal ${near[4] + 1}`
      : `<b>${clock(r[0])}</b><br>open ${price(r[1])} · high ${price(r[2])}<br>low ${price(r[3])} · close ${price(r[4])}${around.tell(r)}`);
  };
  host.onpointerleave = event => { hint(event, ""); const cross = host.querySelector(".cross"); if (cross) cross.innerHTML = ""; around.at(null, 0); };
  svg.onwheel = event => { if (!event.ctrlKey && !event.shiftKey) return; event.preventDefault();
    const at = f.back(event.clientX - host.getBoundingClientRect().left), k = event.deltaY > 0 ? 1.25 : .8; look(at - (at - view[0]) * k, at + (view[1] - at) * k); };
  const ranges = [["0", "All"], ["90", "3 months"], ["30", "1 month"], ["7", "1 week"], ["1", "1 day"]].filter(([days]) => days === "0" || Number(days) * DAY < span0);
  const wide = (view[1] - view[0]) / DAY;
  buttons("price-tools", ranges, view[1] - view[0] >= span0 - 1 ? "0" : String(Math.round(wide)), key => {
    if (key === "0") return look(first, end);
    const middle = (view[0] + view[1]) / 2, half = Number(key) * DAY / 2; look(middle - half, middle + half); });
}
// While the chart is dragged it is drawn anew; the drag goes on in the new drawing.
function carry(grip) {
  const host = $("price"), iw = Math.max(host.clientWidth, 260) - 66;
  host.onpointermove = event => { const moved = (event.clientX - grip[0]) / iw * (grip[2] - grip[1]); look(grip[1] - moved, grip[2] - moved); carry(grip); };
  host.onpointerup = host.onpointercancel = () => { prices(); };
}
redraw.push(prices);
function brush() {
  const host = $("brush"), every = Math.max(1, Math.floor(C.length / 500)), thin = C.filter((_, i) => i % every === 0);
  const f = frame(host, { height: 46, x: [first, end], y: pad(Math.min(...thin.map(r => r[3])), Math.max(...thin.map(r => r[2]))), label: () => "", top: 2, bottom: 2, name: "The whole range", right: 62 });
  f.parts.length = 0;
  const a = f.X(view[0]), b = Math.max(f.X(view[1]), a + 3);
  f.parts.push(`<rect x="${f.m.l}" y="0" width="${f.iw}" height="46" rx="5" fill="${css("chip")}"/><path d="${path(thin.map(r => f.X(r[0])), thin.map(r => f.Y(r[4])))}" fill="none" stroke="${css("soft")}"/>
    <rect x="${a}" y="0" width="${b - a}" height="46" rx="4" fill="${css("own")}" opacity=".16"/><rect x="${a}" y="0" width="${b - a}" height="46" rx="4" fill="none" stroke="${css("own")}"/>`);
  f.draw();
  let held = false;
  const go = event => { const at = f.back(event.clientX - host.getBoundingClientRect().left), half = (view[1] - view[0]) / 2; look(at - half, at + half); };
  host.onpointerdown = event => { held = true; host.setPointerCapture(event.pointerId); if (view[1] - view[0] >= span0 - 1) { const at = f.back(event.clientX - host.getBoundingClientRect().left); look(at - 15 * DAY, at + 15 * DAY); } else go(event); };
  host.onpointermove = event => { if (held || event.buttons) go(event); };
  host.onpointerup = () => { held = false; };
}

$("price-legend").innerHTML = MARKS.map(([name], i) => `<span><svg viewBox="0 0 12 12">${mark(i, 1, 6, i < 2 ? 0 : 6, 5)}</svg>${name}</span>`).join("") + `<span><svg viewBox="0 0 12 12"><path d="M0 6h12" stroke="${css("bad")}" stroke-width="1.6" stroke-dasharray="4 3"/></svg>Stop line</span>`;
