// The page itself: every section is drawn from the one document above.
const F = D.figures, U = D.summary, R = D.request;
const quote = R.quote || "";
const start = Number(U.initial_balance), net = Number(U.net_pnl);

function masthead() {
  $("top").innerHTML = `<div><h1>${esc(R.strategy)} on ${esc(R.symbol)}</h1><p class="soft">${esc(R.timeframe)} candles · ${day(U.first_ms)} to ${day(U.last_ms)}
    · ${num(F.curve.days, 0)} days · start ${num(start, 0)} ${esc(quote)}</p></div><div class="tools" id="theme"></div>`;
  themes();
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

// Several symbols on one balance: what each of them did, and whose price is drawn.
const many = D.symbols || [], hue = i => `hsl(${(i * 137 + 200) % 360} 62% 52%)`;
function symbols() {
  $("symbols").hidden = !many.length;
  const cells = one => [[one.symbol], [num(one.deals, 0)], [signed(Number(one.net)), tone(Number(one.net))], [pct(one.win_rate, 1)], [pct(one.drawdown_share, 1)], [pct(one.exposure, 1)], [num(one.margin_refusals, 0)],
    [signed(Number(one.summary.fees) * -1)], [`${day(one.summary.first_ms)} to ${day(one.summary.last_ms)}`], [`${one.data.missing} in ${one.data.gaps.length} gaps`]];
  const heads = ["symbol", "deals", "net", "won", "share of the fall", "in the market", "no margin", "fees", "candles", "absent"];
  $("symbols").innerHTML = `<h2>Symbols on one balance</h2><div class="scroll"><table><thead><tr>${heads.map(one => `<th>${one}</th>`).join("")}</tr></thead><tbody>${many.map((one, i) =>
    `<tr>${cells(one).map(([text, colour], k) => `<td class="${colour || ""}">${k ? "" : `<i class="bar" style="width:9px;background:${hue(i)}"></i> `}${esc(text)}</td>`).join("")}</tr>`).join("")}</tbody></table></div>`;
}
function turn(symbol) {
  if (!many.length) return;
  const found = many.find(one => one.symbol === symbol);
  if (P !== found.chart) choose(found.chart);
  buttons("price-symbols", many.map(one => [one.symbol, one.symbol]), symbol, key => { turn(key); prices(); });
}
around.turn = deal => turn(deal.symbol);
turn(many.length ? many[0].symbol : "");

let parts = false;
let withHold = (() => { const gap = list => Math.max(...list) - Math.min(...list); return gap(S.hold) <= 6 * gap(S.equity); })();
function equity() {
  const xs = S.points_ms, own = S.equity.map(v => v / start - 1), hold = S.hold.map(v => v / start - 1);
  const lines = parts ? many.map(one => one.chart.equity.map(v => v / start - 1)) : [];
  const all = own.concat(withHold ? hold : [], ...lines), x = [U.first_ms, U.last_ms];
  const f = frame($("equity"), { height: innerWidth < 700 ? 220 : 290, x, y: pad(Math.min(0, ...all), Math.max(0, ...all)), label: (v, step) => spct(v, places(step * 100)), zero: true, name: "Equity over time" });
  const px = xs.map(f.X);
  f.parts.push(`<path d="${path(px, own.map(f.Y))}L${px[px.length - 1]},${f.Y(0)}L${px[0]},${f.Y(0)}z" fill="${css("own")}" opacity=".1"/>`);
  if (withHold) f.parts.push(`<path d="${path(px, hold.map(f.Y))}" fill="none" stroke="${css("hold")}" stroke-width="1.4"/>`);
  f.parts.push(`<path d="${path(px, own.map(f.Y))}" fill="none" stroke="${css("own")}" stroke-width="2" stroke-linejoin="round"/>`);
  lines.forEach((line, i) => f.parts.push(`<path d="${path(many[i].chart.points_ms.map(f.X), line.map(f.Y))}" fill="none" stroke="${hue(i)}" stroke-width="1.3"/>`));
  f.parts.push(`<g class="cross"></g>`);
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
  const views = [["own", "Strategy"], ["both", "With holding"], ...(many.length ? [["parts", "By symbol"]] : [])];
  buttons("equity-tools", views, parts ? "parts" : withHold ? "both" : "own", key => { withHold = key === "both"; parts = key === "parts"; equity(); });
}
redraw.push(equity);

function band() {
  const b = D.band;
  if (!b) { $("band").innerHTML = `<h2>Inside the candles</h2><p class="soft">The band was not asked for.</p>`; return; }
  const worst = Math.max(...b.lines.map(one => Math.abs(Number(one.net_pnl))), 1e-9), colour = { green: "good", amber: "warn", red: "bad" }[b.verdict];
  const text = { green: "The order of prices inside candles hardly matters.", amber: "The order of prices inside candles matters somewhat.", red: "The sign of the result hangs on the order of prices inside candles." }[b.verdict];
  const row = one => { const v = Number(one.net_pnl), w = Math.abs(v) / worst * 50;
    return `<tr><td>${words(one.mode)}</td><td class="${tone(v)}">${signed(v)}</td><td style="width:34%;padding:0 6px"><svg viewBox="0 0 100 10" preserveAspectRatio="none" width="100%" height="10"><rect x="${v < 0 ? 50 - w : 50}" width="${Math.max(w, .6)}" height="10" rx="1" fill="${css(v < 0 ? "bad" : "good")}"/><path d="M50 0v10" stroke="${css("soft")}" stroke-width=".5"/></svg></td><td>${num(one.sharpe)}</td><td>${pct(one.max_drawdown == null ? null : Number(one.max_drawdown))}</td></tr>`; };
  $("band").innerHTML = `<div class="head"><h2>Inside the candles</h2><span class="chip ${colour}">${b.verdict}</span></div><div class="scroll"><table><thead><tr><th>reading</th><th>net</th><th></th><th>Sharpe</th><th>fall</th></tr></thead><tbody>${b.lines.map(row).join("")}</tbody></table></div>
    <p class="soft" style="margin-top:10px">${text} ${b.ambiguous_bars} of ${num(many.length ? many.reduce((sum, one) => sum + one.summary.bars, 0) : U.bars, 0)} candles (${pct(b.ambiguous_ratio, 3)}) could have gone either way${b.pnl_ratio == null ? "" : `; ${pct(Math.abs(b.pnl_ratio), 0)} of the booked result falls into them`}.${b.without_detail == null ? "" : ` Finer candles narrow the spread from ${num(b.without_detail)} to ${num(b.spread)}.`} A report, not a bound: after a divergence later deals differ.</p>`;
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
  const names = { ...(many.length ? { symbol: "symbol" } : {}), exit_reason: "exit", side: "side", entries: "entries", leg: "leg", weekday: "weekday", hour: "hour", month: "month" }, rows = D.breakdowns[kind] || [];
  buttons("kinds-tools", Object.entries(names), kind, key => { kind = key; kinds(); });
  const worst = Math.max(...rows.map(r => Math.abs(Number(r.net))), 1e-9);
  $("kinds").innerHTML = rows.length ? `<table><thead><tr><th>${names[kind]}</th><th>deals</th><th>won</th><th>net</th><th></th></tr></thead><tbody>${rows.map(r => { const v = Number(r.net), name = kind === "weekday" ? r.name.slice(2) : words(r.name);
    return `<tr><td>${esc(name)}</td><td>${r.deals}</td><td>${pct(r.wins / r.deals, 0)}</td><td class="${tone(v)}">${signed(v)}</td><td style="text-align:left;width:30%"><i class="bar" style="width:${Math.abs(v) / worst * 100}%;background:${css(v < 0 ? "bad" : "good")}"></i></td></tr>`; }).join("")}</tbody></table>` : `<p class="soft">No deal was closed.</p>`;
}

const facts = list => `<div class="facts">${list.map(([name, value]) => `<div><span>${esc(name)}</span><span>${value}</span></div>`).join("")}</div>`;
function figures() {
  const c = F.curve, d = F.deals, h = F.holding, a = F.averaging, fall = F.drawdown || {};
  const list = [["Return a year", spct(c.cagr)], ["Volatility a year", pct(c.volatility)], ["Sortino", num(c.sortino)], ["Calmar", num(c.calmar)], ["Ulcer index", pct(fall.ulcer)], ["Chance of a true Sharpe above 0", pct(c.psr, 1)],
    ["Longest below a peak", span(fall.longest_under_water_ms)], ["Expectancy a unit of loss", num(d.expectancy_per_loss, 3)], ["Longest run of wins", d.max_consecutive_wins], ["Longest run of losses", d.max_consecutive_losses],
    ["Winners held (median)", span(h.winners_median_ms)], ["Losers held (median)", span(h.losers_median_ms)], ["Adds a deal", num(a.adds_mean)], ["Average bettered by adds", pct(a.improvement_mean)], ["Deals with all entries", a.at_most_ratio == null ? "–" : `${pct(a.at_most_ratio, 0)} (${a.most_entries})`], ["Left open", U.left_open.map(leg => `${Number(leg.qty)} ${leg.position_side}${leg.symbol ? ` of ${esc(leg.symbol)}` : ""}`).join(", ") || "nothing"], ["Open result", signed(Number(U.unrealised))]];
  if (F.grid) list.push(["Grid profit", signed(Number(F.grid.grid_profit))], ["Trend result", signed(Number(F.grid.trend_pnl))], ["Cycles", `${F.grid.cycles} (${num(F.grid.cycles_per_day, 1)} a day)`], ["Time in range", pct(F.grid.in_range_ratio, 1)]);
  $("figures").innerHTML = `<h2>All figures</h2>${facts(list)}`;
}
function about() {
  const flat = (value, name = "") => value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value).flatMap(([key, v]) => flat(v, name ? `${name}.${key}` : key)) : [[name, `<code>${esc(Array.isArray(value) ? value.join(", ") : value)}</code>`]];
  const { params, ...rest } = R, g = D.data;
  $("about").innerHTML = `<h2>What was tested</h2>${facts([["Candles", `${num(g.bars, 0)} (${esc(g.source)})`], ["Coverage", `${pct(g.coverage)}, ${g.missing} missing`], ["Warm-up", `${num(g.warmup_bars, 0)} candles`], ["Code", `<code>${esc(D.code)}</code>`], ["Data", `<code>${g.digest.slice(0, 16)}</code>`], ["Receipt", `<code>${D.receipt.slice(0, 16)}</code>`]])}
    <details><summary>Parameters</summary>${facts(flat(params || {}))}</details><details><summary>Settings</summary>${facts(flat(rest))}</details>${g.gaps.length ? `<details><summary>Gaps (${g.gaps.length})</summary>${facts(g.gaps.slice(0, 100).map(one => [clock(one[0]), `${one[2]} missing`]))}</details>` : ""}${many.filter(one => one.data.gaps.length).map(one => `<details><summary>Gaps of ${esc(one.symbol)} (${one.data.gaps.length})</summary>${facts(one.data.gaps.slice(0, 100).map(gap => [clock(gap[0]), `${gap[2]} missing`]))}</details>`).join("")}<details><summary>Receipt</summary><code>${D.receipt}</code></details>`;
}

show([masthead, tiles, remarks, symbols, band, costs, months, kinds, deals, figures, about]);
