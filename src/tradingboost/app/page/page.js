// The page itself: every section is drawn from the one document above.
const D = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id), S = D.series, F = D.figures, U = D.summary, R = D.request;
const tick = Number(S.tick), digits = Math.max(0, (S.tick.split(".")[1] || "").length), quote = R.quote || "";
const price = ticks => num(ticks * tick, digits);
const C = S.candles.reduce((all, row) => { const last = all[all.length - 1]; all.push(last ? row.map((v, i) => v + last[i]) : row.slice()); return all; }, []);
C.forEach(row => { row[0] *= S.candle_ms; });
const opens = C.map(row => row[0]), first = opens[0], end = opens[opens.length - 1] + S.candle_ms;
const start = Number(U.initial_balance), net = Number(U.net_pnl);
const redraw = [];

function masthead() {
  $("top").innerHTML = `<div><h1>${esc(R.strategy)} on ${esc(R.symbol)}</h1><p class="soft">${esc(R.timeframe)} candles · ${day(U.first_ms)} to ${day(U.last_ms)}
    · ${num(F.curve.days, 0)} days · start ${num(start, 0)} ${esc(quote)}</p></div><div class="tools" id="theme"></div>`;
  const themes = [["", "Auto"], ["light", "Light"], ["dark", "Dark"]];
  const pick = key => { if (key) document.documentElement.dataset.theme = key; else delete document.documentElement.dataset.theme; buttons("theme", themes, key, pick); };
  pick(document.documentElement.dataset.theme || "");
}

function tiles() {
  const d = F.deals, fall = F.drawdown;
  const list = [
    ["Net profit", signed(net), `${spct(F.curve.total_return)} of the start`],
    ["Holding instead", spct(F.benchmark.hold_return, 1), `beta ${num(F.benchmark.beta)} · alpha ${spct(F.benchmark.alpha, 1)} a year`],
    ["Deepest fall", fall ? pct(fall.ratio) : "–", fall ? `${day(fall.start_ms)} to ${day(fall.trough_ms)}${fall.recovered_ms ? "" : ", not recovered"}` : ""],
    ["Sharpe ratio", num(F.curve.sharpe), `Sortino ${num(F.curve.sortino)} · Calmar ${num(F.curve.calmar)}`],
    ...(F.grid ? [["Cycles", num(F.grid.cycles, 0), `${num(F.grid.cycles_per_day, 1)} a day`], ["Grid profit", signed(Number(F.grid.grid_profit)), `trend ${signed(Number(F.grid.trend_pnl))}`], ["In range", pct(F.grid.in_range_ratio, 1), "of the time"]] : [
    ["Deals", num(d.deals, 0), `${d.wins} won · ${d.losses} lost · ${d.draws} even`],
    ["Win rate", pct(d.win_rate, 1), `payoff ${num(d.payoff_ratio)} · profit factor ${num(d.profit_factor)}`],
    ["Per deal", signed(d.expectancy), `average win ${num(d.average_win)} · loss ${num(d.average_loss)}`]]),
    ["In the market", pct(F.exposure, 1), `turned over ${num(F.turnover, 1)} times`],
  ];
  $("tiles").innerHTML = list.map(([name, value, more], i) => `<div class="tile"><span>${name}</span><b class="${i ? "" : tone(net)}">${value}</b><small>${more}</small></div>`).join("");
}

function remarks() {
  const icon = bad => `<svg viewBox="0 0 10 10"><${bad ? 'path d="M5 0l5 9.5H0z"' : 'circle cx="5" cy="5" r="4"'} fill="${css(bad ? "bad" : "own")}"/></svg>`;
  const rows = D.remarks.map(one => [one.weight === "bad", one.text]).concat(D.warnings.map(text => [false, text]));
  $("remarks").innerHTML = `<h2>Before you believe it</h2>` + (rows.length ? `<ul>${rows.map(([bad, text]) => `<li>${icon(bad)}<span>${esc(text)}</span></li>`).join("")}</ul>`
    : `<p class="soft">Nothing stands out.</p>`);
}

let withHold = (() => { const gap = list => Math.max(...list) - Math.min(...list); return gap(S.hold) <= 6 * gap(S.equity); })();
function equity() {
  const xs = S.points_ms, own = S.equity.map(v => v / start - 1), hold = S.hold.map(v => v / start - 1);
  const all = withHold ? own.concat(hold) : own, x = [U.first_ms, U.last_ms];
  const f = frame($("equity"), { height: innerWidth < 700 ? 220 : 290, x, y: pad(Math.min(0, ...all), Math.max(0, ...all)), label: (v, step) => spct(v, places(step * 100)), zero: true, name: "Equity over time" });
  const px = xs.map(f.X);
  f.parts.push(`<path d="${path(px, own.map(f.Y))}L${px[px.length - 1]},${f.Y(0)}L${px[0]},${f.Y(0)}z" fill="${css("own")}" opacity=".1"/>`);
  if (withHold) f.parts.push(`<path d="${path(px, hold.map(f.Y))}" fill="none" stroke="${css("hold")}" stroke-width="1.4"/>`);
  f.parts.push(`<path d="${path(px, own.map(f.Y))}" fill="none" stroke="${css("own")}" stroke-width="2" stroke-linejoin="round"/><g class="cross"></g>`);
  f.draw();
  const g = frame($("falls"), { height: 104, x, y: [Math.min(-.001, ...S.falls) * 1.08, 0], label: (v, step) => spct(v, places(step * 100)), time: true, name: "Fall from the peak", top: 4 });
  const fy = S.falls.map(g.Y);
  g.parts.push(`<path d="${path(px, fy)}L${px[px.length - 1]},${g.Y(0)}L${px[0]},${g.Y(0)}z" fill="${css("bad")}" opacity=".22"/><path d="${path(px, fy)}" fill="none" stroke="${css("bad")}" stroke-width="1.3"/>`);
  g.draw();
  for (const host of [$("equity"), $("falls")]) {
    host.onpointermove = event => {
      const i = search(xs, f.back(event.clientX - host.getBoundingClientRect().left));
      $("equity").querySelector(".cross").innerHTML = `<line x1="${px[i]}" x2="${px[i]}" y1="${f.m.t}" y2="${f.h - f.m.b}" stroke="${css("soft")}" stroke-dasharray="3 3"/><circle cx="${px[i]}" cy="${f.Y(own[i])}" r="3.5" fill="${css("own")}"/>`;
      hint(event, `<b>${clock(xs[i])}</b><br>equity ${num(S.equity[i])} (${spct(own[i])})<br>holding ${spct(hold[i])}<br>fall ${spct(S.falls[i])}`);
    };
    host.onpointerleave = event => { hint(event, ""); $("equity").querySelector(".cross").innerHTML = ""; };
  }
  buttons("equity-tools", [["own", "Strategy"], ["both", "With holding"]], withHold ? "both" : "own", key => { withHold = key === "both"; equity(); });
}
redraw.push(equity);

let view = [first, end];
const span0 = end - first, least = Math.max(S.candle_ms * 24, 36e5);
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
    out.push([rows[0][0], rows[0][1], Math.max(...rows.map(r => r[2])), Math.min(...rows.map(r => r[3])), rows[rows.length - 1][4], rows[rows.length - 1][0] + S.candle_ms]);
  }
  return out;
}
function prices() {
  const rows = shown(), [x0, x1] = view;
  const marks = S.marks.filter(one => one[0] >= x0 && one[0] <= x1), stops = S.lines.filter(one => one[1] >= x0 && one[0] <= x1);
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
  f.parts.push(`<path d="${stops.map(one => `M${f.X(Math.max(one[0], x0)).toFixed(1)},${f.Y(one[2]).toFixed(1)}H${f.X(Math.min(one[1], x1)).toFixed(1)}`).join("")}" stroke="${css("bad")}" stroke-width="1.3" stroke-dasharray="4 3" fill="none" opacity="${marks.length > 240 ? .4 : .85}"/>`);
  const crowd = marks.length > 240, size = crowd ? 2.6 : marks.length > 80 ? 4.4 : 5.6, dense = Math.ceil(marks.length / 1500);
  if (crowd) f.parts.push(`<path d="${path(rows.map(r => f.X((r[0] + r[5]) / 2)), rows.map(r => f.Y(r[4])))}" stroke="${css("soft")}" fill="none" opacity=".8"/>`);
  marks.forEach((one, i) => { if (i % dense === 0) f.parts.push(mark(one[3], one[2], f.X(one[0]), f.Y(one[1]), size)); });
  f.parts.push(`</g><g class="cross"></g>`);
  f.draw();
  brush();
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
    hint(event, near ? `<b>${MARKS[near[3]][0]}</b> ${near[2] > 0 ? "buy" : "sell"} at ${price(near[1])}<br>${clock(near[0])} · deal ${near[4] + 1}`
      : `<b>${clock(r[0])}</b><br>open ${price(r[1])} · high ${price(r[2])}<br>low ${price(r[3])} · close ${price(r[4])}`);
  };
  host.onpointerleave = event => { hint(event, ""); const cross = host.querySelector(".cross"); if (cross) cross.innerHTML = ""; };
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

function band() {
  const b = D.band;
  if (!b) { $("band").innerHTML = `<h2>Inside the candles</h2><p class="soft">The band was not asked for.</p>`; return; }
  const worst = Math.max(...b.lines.map(one => Math.abs(Number(one.net_pnl))), 1e-9), colour = { green: "good", amber: "warn", red: "bad" }[b.verdict];
  const text = { green: "The order of prices inside candles hardly matters.", amber: "The order of prices inside candles matters somewhat.", red: "The sign of the result hangs on the order of prices inside candles." }[b.verdict];
  const row = one => { const v = Number(one.net_pnl), w = Math.abs(v) / worst * 50;
    return `<tr><td>${words(one.mode)}</td><td class="${tone(v)}">${signed(v)}</td><td style="width:34%;padding:0 6px"><svg viewBox="0 0 100 10" preserveAspectRatio="none" width="100%" height="10"><rect x="${v < 0 ? 50 - w : 50}" width="${Math.max(w, .6)}" height="10" rx="1" fill="${css(v < 0 ? "bad" : "good")}"/><path d="M50 0v10" stroke="${css("soft")}" stroke-width=".5"/></svg></td><td>${num(one.sharpe)}</td><td>${pct(one.max_drawdown == null ? null : Number(one.max_drawdown))}</td></tr>`; };
  $("band").innerHTML = `<div class="head"><h2>Inside the candles</h2><span class="chip ${colour}">${b.verdict}</span></div><div class="scroll"><table><thead><tr><th>reading</th><th>net</th><th></th><th>Sharpe</th><th>fall</th></tr></thead><tbody>${b.lines.map(row).join("")}</tbody></table></div>
    <p class="soft" style="margin-top:10px">${text} ${b.ambiguous_bars} of ${num(U.bars, 0)} candles (${pct(b.ambiguous_ratio, 3)}) could have gone either way${b.pnl_ratio == null ? "" : `; ${pct(Math.abs(b.pnl_ratio), 0)} of the booked result falls into them`}.${b.without_detail == null ? "" : ` Finer candles narrow the spread from ${num(b.without_detail)} to ${num(b.spread)}.`} A report, not a bound: after a divergence later deals differ.</p>`;
}

function costs() {
  const c = F.costs, parts = [["Fees", Number(c.fees), "own"], ["Slippage", Number(c.slippage), "exit"], [Number(c.funding) > 0 ? "Funding received" : "Funding paid", -Number(c.funding), "hold"]];
  const paid = parts.reduce((sum, one) => sum + Math.max(one[1], 0), 0) || 1;
  $("costs").innerHTML = `<h2>Costs</h2><div class="split">${parts.filter(one => one[1] > 0).map(one => `<i style="width:${one[1] / paid * 100}%;background:${css(one[2])}"></i>`).join("")}</div>
    <div class="scroll"><table><tbody><tr><td>Result before costs</td><td class="${tone(Number(c.gross))}">${signed(Number(c.gross))}</td><td></td></tr>${parts.map(([name, v, colour]) => `<tr><td><i class="bar" style="width:9px;background:${css(colour)}"></i> ${name}</td><td>${signed(-v)}</td><td class="soft">${v > 0 ? pct(v / paid, 0) + " of costs" : ""}</td></tr>`).join("")}
    <tr><td><b>Result after costs</b></td><td class="${tone(net)}"><b>${signed(net)}</b></td><td class="soft">${c.ratio == null ? "" : `costs took ${pct(c.ratio, 0)}`}</td></tr></tbody></table></div><p class="soft" style="margin-top:8px">${num(U.fills, 0)} fills moved ${num(F.traded_notional, 0)} ${esc(quote)}.</p>`;
}

function months() {
  const years = {}, worst = Math.max(...Object.values(D.monthly).map(Math.abs), 1e-9);
  for (const [key, v] of Object.entries(D.monthly)) (years[key.slice(0, 4)] ||= {})[Number(key.slice(5)) - 1] = v;
  const cell = v => v == null ? "<td></td>" : `<td style="background:color-mix(in srgb, ${css(v < 0 ? "bad" : "good")} ${Math.round(8 + 62 * Math.abs(v) / worst)}%, transparent)">${signed(v * 100, Math.abs(v) < .1 ? 2 : 1)}</td>`;
  $("months").innerHTML = `<table><thead><tr><th></th>${MONTHS.map(m => `<th>${m}</th>`).join("")}<th>Year</th></tr></thead><tbody>${Object.entries(years).map(([year, row]) =>
    `<tr><th>${year}</th>${MONTHS.map((_, i) => cell(row[i])).join("")}<td><b class="${tone(Object.values(row).reduce((k, v) => k * (1 + v), 1) - 1)}">${signed((Object.values(row).reduce((k, v) => k * (1 + v), 1) - 1) * 100)}</b></td></tr>`).join("")}</tbody></table><p class="soft" style="font-size:12px">percent of the equity at the start of each month, UTC</p>`;
}

let spreadOf = "days";
function spread() {
  const days = S.daily.slice(1).map((v, i) => S.daily[i] > 0 ? v / S.daily[i] - 1 : 0), deals = D.deals.filter(d => d.closed_ms).map(d => Number(d.net) / start);
  buttons("spread-tools", [["days", "Days"], ["deals", "Deals"]], spreadOf, key => { spreadOf = key; spread(); });
  const values = spreadOf === "days" ? days : deals;
  if (values.length < 2) { $("spread").innerHTML = `<p class="soft">Too few ${spreadOf} to show.</p>`; return; }
  const sorted = values.slice().sort((a, b) => a - b), cut = (sorted.length / 200) | 0, reach = Math.max(Math.abs(sorted[cut]), Math.abs(sorted[sorted.length - 1 - cut]), 1e-6);
  const count = 31, bins = Array(count).fill(0);
  values.forEach(v => bins[Math.min(count - 1, Math.max(0, Math.floor((v + reach) / (2 * reach) * count)))]++);
  const f = frame($("spread"), { height: 220, x: [-reach, reach], y: [0, Math.max(...bins) * 1.05], label: v => num(v, 0), name: "Distribution of returns", right: 34, bottom: 38 });
  bins.forEach((n, i) => { const x = f.X(-reach + 2 * reach * i / count), v = -1 + 2 * (i + .5) / count;
    f.parts.push(`<rect x="${x + .7}" y="${f.Y(n)}" width="${f.iw / count - 1.4}" height="${Math.max(f.Y(0) - f.Y(n), 0)}" rx="1.5" fill="${css(Math.abs(v) < .02 ? "soft" : v < 0 ? "bad" : "good")}" opacity=".75"/>`); });
  for (const v of steps(-reach, reach, Math.min(6, f.iw / 80))) f.parts.push(`<text x="${f.X(v)}" y="${f.h - 22}" text-anchor="${f.X(v) < 26 ? "start" : "middle"}">${spct(v, reach < .02 ? 2 : 1)}</text>`);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  f.parts.push(`<path d="M${f.X(mean)},${f.m.t}V${f.h - f.m.b}" stroke="${css("ink")}" stroke-dasharray="3 3"/><text x="${f.m.l}" y="${f.h - 5}">${values.length} ${spreadOf}, mean ${spct(mean, 3)}${spreadOf === "deals" ? " of the start" : ""}; outliers stand at the edges</text>`);
  f.draw();
}
redraw.push(spread);

let kind = "exit_reason";
function kinds() {
  const names = { exit_reason: "exit", side: "side", entries: "entries", leg: "leg", weekday: "weekday", hour: "hour", month: "month" }, rows = D.breakdowns[kind] || [];
  buttons("kinds-tools", Object.entries(names), kind, key => { kind = key; kinds(); });
  const worst = Math.max(...rows.map(r => Math.abs(Number(r.net))), 1e-9);
  $("kinds").innerHTML = rows.length ? `<table><thead><tr><th>${names[kind]}</th><th>deals</th><th>won</th><th>net</th><th></th></tr></thead><tbody>${rows.map(r => { const v = Number(r.net), name = kind === "weekday" ? r.name.slice(2) : words(r.name);
    return `<tr><td>${esc(name)}</td><td>${r.deals}</td><td>${pct(r.wins / r.deals, 0)}</td><td class="${tone(v)}">${signed(v)}</td><td style="text-align:left;width:30%"><i class="bar" style="width:${Math.abs(v) / worst * 100}%;background:${css(v < 0 ? "bad" : "good")}"></i></td></tr>`; }).join("")}</tbody></table>` : `<p class="soft">No deal was closed.</p>`;
}

let sort = ["number", 1], page = 0;
const COLUMNS = [["number", "#", d => d.number], ["side", "side", d => d.leg === "hedge" ? `${d.side}, hedge` : d.side, "l"], ["opened_ms", "opened", d => clock(d.opened_ms)],
  ["net", "net", d => `<b class="${tone(Number(d.net))}">${signed(Number(d.net))}</b>`], ["net_ratio", "of stake", d => spct(d.net_ratio)], ["reason", "ended by", d => words(d.reason || "left open"), "l"],
  ["held", "held", d => d.closed_ms ? span(d.closed_ms - d.opened_ms) : "open"], ["entries", "entries", d => d.entries], ["qty", "quantity", d => Number(d.qty)], ["entry_price", "in at", d => num(d.entry_price, digits)],
  ["exit_price", "out at", d => d.exit_price == null ? "–" : num(d.exit_price, digits)], ["costs", "fees", d => num(d.fees)], ["funding", "funding", d => signed(Number(d.funding))]];
function deals() {
  const value = d => ({ held: d.closed_ms ? d.closed_ms - d.opened_ms : Infinity, costs: Number(d.fees), side: d.side, reason: d.reason || "" })[sort[0]] ?? Number(d[sort[0]]);
  const list = D.deals.slice().sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a.number - b.number) * sort[1]), size = 25, pages = Math.max(1, Math.ceil(list.length / size));
  page = Math.min(Math.max(page, 0), pages - 1);
  $("deals").innerHTML = `<table><thead><tr>${COLUMNS.map(([key, text, , side]) => `<th data-sort="${key}" class="${side || ""}">${text}${sort[0] === key ? (sort[1] > 0 ? " ↑" : " ↓") : ""}</th>`).join("")}</tr></thead><tbody>${list.slice(page * size, (page + 1) * size).map(d =>
    `<tr data-deal="${d.number}">${COLUMNS.map(([, , show, side]) => `<td class="${side || ""}">${show(d)}</td>`).join("")}</tr>`).join("")}</tbody></table>`;
  $("deals").onclick = event => {
    const head = event.target.closest("th"), row = event.target.closest("tr[data-deal]");
    if (head) { sort = [head.dataset.sort, sort[0] === head.dataset.sort ? -sort[1] : 1]; deals(); }
    else if (row) { const d = D.deals[Number(row.dataset.deal) - 1], until = d.closed_ms || end, extra = Math.max((until - d.opened_ms) * .25, S.candle_ms * 12); look(d.opened_ms - extra, until + extra); $("price").scrollIntoView({ behavior: "smooth", block: "center" }); }
  };
  buttons("deals-tools", pages > 1 ? [["-1", "←"], ["0", `${page + 1} / ${pages}`], ["1", "→"]] : [], "0", key => { page += Number(key); deals(); });
}

const facts = list => `<div class="facts">${list.map(([name, value]) => `<div><span>${esc(name)}</span><span>${value}</span></div>`).join("")}</div>`;
function figures() {
  const c = F.curve, d = F.deals, h = F.holding, a = F.averaging, fall = F.drawdown || {};
  const list = [["Return a year", spct(c.cagr)], ["Volatility a year", pct(c.volatility)], ["Sortino", num(c.sortino)], ["Calmar", num(c.calmar)], ["Ulcer index", pct(fall.ulcer)], ["Chance of a true Sharpe above 0", pct(c.psr, 1)],
    ["Longest below a peak", span(fall.longest_under_water_ms)], ["Expectancy a unit of loss", num(d.expectancy_per_loss, 3)], ["Longest run of wins", d.max_consecutive_wins], ["Longest run of losses", d.max_consecutive_losses],
    ["Winners held (median)", span(h.winners_median_ms)], ["Losers held (median)", span(h.losers_median_ms)], ["Adds a deal", num(a.adds_mean)], ["Average bettered by adds", pct(a.improvement_mean)], ["Deals with all entries", a.at_most_ratio == null ? "–" : `${pct(a.at_most_ratio, 0)} (${a.most_entries})`], ["Left open", U.left_open.map(leg => `${Number(leg.qty)} ${leg.position_side}`).join(", ") || "nothing"], ["Open result", signed(Number(U.unrealised))]];
  if (F.grid) list.push(["Grid profit", signed(Number(F.grid.grid_profit))], ["Trend result", signed(Number(F.grid.trend_pnl))], ["Cycles", `${F.grid.cycles} (${num(F.grid.cycles_per_day, 1)} a day)`], ["Time in range", pct(F.grid.in_range_ratio, 1)]);
  $("figures").innerHTML = `<h2>All figures</h2>${facts(list)}`;
}
function about() {
  const flat = (value, name = "") => value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value).flatMap(([key, v]) => flat(v, name ? `${name}.${key}` : key)) : [[name, `<code>${esc(Array.isArray(value) ? value.join(", ") : value)}</code>`]];
  const { params, ...rest } = R, g = D.data;
  $("about").innerHTML = `<h2>What was tested</h2>${facts([["Candles", `${num(g.bars, 0)} (${esc(g.source)})`], ["Coverage", `${pct(g.coverage)}, ${g.missing} missing`], ["Warm-up", `${num(g.warmup_bars, 0)} candles`], ["Code", `<code>${esc(D.code)}</code>`], ["Data", `<code>${g.digest.slice(0, 16)}</code>`], ["Receipt", `<code>${D.receipt.slice(0, 16)}</code>`]])}
    <details><summary>Parameters</summary>${facts(flat(params || {}))}</details><details><summary>Settings</summary>${facts(flat(rest))}</details>${g.gaps.length ? `<details><summary>Gaps (${g.gaps.length})</summary>${facts(g.gaps.slice(0, 100).map(one => [clock(one[0]), `${one[2]} missing`]))}</details>` : ""}<details><summary>Receipt</summary><code>${D.receipt}</code></details>`;
}

$("price-legend").innerHTML = MARKS.map(([name], i) => `<span><svg viewBox="0 0 12 12">${mark(i, 1, 6, i < 2 ? 0 : 6, 5)}</svg>${name}</span>`).join("") + `<span><svg viewBox="0 0 12 12"><path d="M0 6h12" stroke="${css("bad")}" stroke-width="1.6" stroke-dasharray="4 3"/></svg>Stop line</span>`;
[masthead, tiles, remarks, band, costs, months, kinds, deals, figures, about, ...redraw].forEach(draw => draw());
let waiting = 0, width = innerWidth;
addEventListener("resize", () => { if (innerWidth === width) return; width = innerWidth; clearTimeout(waiting); waiting = setTimeout(() => redraw.forEach(draw => draw()), 120); });
