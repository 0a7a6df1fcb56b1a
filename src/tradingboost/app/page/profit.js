// What deals earned: every result is a line of its own colour, as a share of the money it began with.
const INKS = ["own", "exit", "good", "entry", "warn", "hold", "bad", "add"];
const ink = curve => css(INKS[D.curves.indexOf(curve) % INKS.length]);
const hidden = new Set();
const shownCurves = () => D.curves.filter(one => !hidden.has(one.receipt));
const label = one => D.curves.filter(other => other.name === one.name).length > 1 ? `${one.name} · ${one.receipt.slice(0, 6)}` : one.name;
const dot = one => `<svg class="dot" width="10" height="10" viewBox="0 0 12 12"><circle cx="6" cy="6" r="5" fill="${ink(one)}"/></svg>`;
const percent = (v, step) => spct(v, places(step * 100));

function masthead() {
  const from = Math.min(...D.curves.map(one => one.first_ms)), until = Math.max(...D.curves.map(one => one.last_ms));
  $("top").innerHTML = `<div><h1>${D.curves.length > 1 ? `Profit of ${D.curves.length} results` : `Profit of ${esc(D.curves[0].name)}`}</h1>
    <p class="soft">${day(from)} to ${day(until)} · after all costs · shares of the money at the start</p></div><div class="tools" id="theme"></div>`;
  themes();
}

function picks() {
  const host = $("picks");
  host.hidden = D.curves.length < 2;
  host.innerHTML = D.curves.map(one => `<button type="button" data-key="${one.receipt}" aria-pressed="${!hidden.has(one.receipt)}">${dot(one)}${esc(label(one))}</button>`).join("");
  host.onclick = event => {
    const one = event.target.closest("button");
    if (!one) return;
    if (!hidden.delete(one.dataset.key) && shownCurves().length > 1) hidden.add(one.dataset.key);
    picks(); redraw.forEach(draw => draw());
  };
}

function table() {
  $("table").innerHTML = `<table><thead><tr><th>result</th><th>net</th><th>return</th><th>deepest fall</th><th>Sharpe</th><th>deals</th><th>won</th><th>profit factor</th></tr></thead><tbody>${D.curves.map(one =>
    `<tr><td>${dot(one)} ${esc(label(one))}</td><td class="${tone(one.net)}">${signed(one.net)} ${esc(one.quote)}</td><td>${spct(one.net / one.start)}</td><td>${pct(one.fall)}</td><td>${num(one.sharpe)}</td><td>${num(one.deals, 0)}</td><td>${pct(one.win_rate, 1)}</td><td>${num(one.profit_factor)}</td></tr>`).join("")}</tbody></table>`;
}

// Lines over time with one cross for all of them.
function lines(id, o) {
  const list = shownCurves(), x = [Math.min(...list.map(one => one.first_ms)), Math.max(...list.map(one => one.last_ms))];
  const data = list.map(one => [one, ...o.of(one)]), all = data.flatMap(one => one[2]);
  const f = frame($(id), { height: o.height, x, y: o.filled ? [Math.min(-.001, ...all) * 1.06, 0] : pad(Math.min(0, ...all), Math.max(0, ...all)), label: percent, zero: true, time: true, top: o.top, name: o.name });
  data.forEach(([one, at, ys]) => {
    if (!at.length) return;
    const px = at.map(f.X), py = ys.map(f.Y);
    let d = path(px, py);
    if (o.steps) { d = `M${f.X(one.first_ms).toFixed(1)},${f.Y(0).toFixed(1)}`; px.forEach((v, i) => { d += `H${v.toFixed(1)}V${py[i].toFixed(1)}`; }); d += `H${f.X(one.last_ms).toFixed(1)}`; }
    if (o.filled) f.parts.push(`<path d="${d}L${px[px.length - 1]},${f.Y(0)}L${px[0]},${f.Y(0)}z" fill="${ink(one)}" opacity="${list.length > 1 ? .1 : .2}"/>`);
    f.parts.push(`<path d="${d}" fill="none" stroke="${ink(one)}" stroke-width="${o.filled ? 1.3 : 1.8}" stroke-linejoin="round"/>`);
  });
  f.parts.push(`<g class="cross"></g>`);
  f.draw();
  const host = $(id);
  host.onpointermove = event => {
    const at = Math.min(Math.max(f.back(event.clientX - host.getBoundingClientRect().left), x[0]), x[1]), px = f.X(at);
    host.querySelector(".cross").innerHTML = `<line x1="${px}" x2="${px}" y1="${f.m.t}" y2="${f.h - f.m.b}" stroke="${css("soft")}" stroke-dasharray="3 3"/>`;
    hint(event, `<b>${clock(at)}</b>` + data.map(([one, when, ys]) => `<br>${dot(one)} ${esc(label(one))} ${spct(value(when, ys, at))}`).join(""));
  };
  host.onpointerleave = event => { hint(event, ""); host.querySelector(".cross").innerHTML = ""; };
}
// The last value at or before a time; before the first there is nothing yet.
function value(when, ys, at) {
  if (!when.length || when[0] > at) return 0;
  const i = search(when, at);
  return ys[when[i] > at ? i - 1 : i];
}

const small = () => innerWidth < 700;
function earned() { lines("earned", { of: one => [one.closed_ms, one.earned.map(v => v / one.start)], height: small() ? 230 : 300, steps: true, name: "Sum of closed deals" }); }
function equity() {
  lines("equity", { of: one => [one.points_ms, one.equity.map(v => v / one.start - 1)], height: small() ? 220 : 280, name: "Equity over time" });
  lines("falls", { of: one => [one.points_ms, one.falls], height: 130, filled: true, top: 4, name: "Fall from the peak" });
}

let chosen = D.curves[0].receipt;
function bars() {
  const one = shownCurves().find(each => each.receipt === chosen) || shownCurves()[0], list = one.bars;
  buttons("bars-tools", shownCurves().length > 1 ? shownCurves().map(each => [each.receipt, label(each)]) : [], one.receipt, key => { chosen = key; bars(); });
  const host = $("bars"), most = list.length ? list[0][1] : 1;
  $("bars-title").textContent = most > 1 ? `Deals, ${most} a bar` : "Deals one by one";
  if (!list.length) { host.innerHTML = `<p class="soft">No deal was closed.</p>`; host.onpointermove = null; return; }
  const nets = list.map(each => each[2]), f = frame(host, { height: small() ? 200 : 240, x: [0, list.length], y: pad(Math.min(0, ...nets), Math.max(0, ...nets)), label: (v, step) => signed(v, places(step)), zero: true, bottom: 24, name: "Result of each deal" });
  const wide = f.iw / list.length, gap = wide > 5 ? 1.5 : wide > 2.5 ? .6 : 0;
  const d = { good: "", bad: "" };
  list.forEach((each, i) => { const top = Math.min(f.Y(each[2]), f.Y(0)), tall = Math.max(Math.abs(f.Y(each[2]) - f.Y(0)), .8), w = Math.min(wide - gap, 26); d[each[2] < 0 ? "bad" : "good"] += `M${(f.X(i + .5) - w / 2).toFixed(2)},${top.toFixed(1)}h${w.toFixed(2)}v${tall.toFixed(1)}h${(-w).toFixed(2)}z`; });
  f.parts.push(`<path d="${d.good}" fill="${css("good")}" opacity=".85"/><path d="${d.bad}" fill="${css("bad")}" opacity=".85"/>`);
  const ends = [[0, "start"], [list.length - 1, "end"]].slice(0, list.length > 1 ? 2 : 1);
  ends.forEach(([i, anchor]) => f.parts.push(`<text x="${anchor === "start" ? f.m.l : f.w - f.m.r}" y="${f.h - 6}" text-anchor="${anchor}">#${list[i][0] + (anchor === "end" ? list[i][1] - 1 : 0)} · ${day(list[i][3])}</text>`));
  f.draw();
  host.onpointermove = event => {
    const i = Math.min(Math.max(Math.floor(f.back(event.clientX - host.getBoundingClientRect().left)), 0), list.length - 1), each = list[i];
    hint(event, `<b>${each[1] > 1 ? `deals ${each[0]} to ${each[0] + each[1] - 1}` : `deal ${each[0]}`}</b><br>${signed(each[2])} ${esc(one.quote)}${each[1] > 1 ? `<br>worst ${signed(each[4])} · best ${signed(each[5])}` : ""}<br>closed ${clock(each[3])}`);
  };
  host.onpointerleave = event => hint(event, "");
}
redraw.push(earned, equity, bars);
show([masthead, picks, table]);
