// Candles with what the strategy saw: lines over the price, panes below it, the prices a grid stood at.
const INKS = ["own", "exit", "hold", "add", "good", "warn", "entry", "bad"];
const ink = i => css(INKS[i % INKS.length]);
const hidden = new Set();
const told = value => value == null ? "–" : Number(value.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 8 }).replace("-", "−");

function masthead() {
  $("top").innerHTML = `<div><h1>${esc(D.strategy)} on ${esc(D.symbol)}</h1><p class="soft">${esc(D.timeframe)} candles · ${clock(first)} to ${clock(end)} UTC
    · ${num(D.bars, 0)} candles · ${num(S.marks.length, 0)} fills · receipt ${esc(D.receipt.slice(0, 16))}</p></div><div class="tools" id="theme"></div>`;
  themes();
  $("note").textContent = D.notes.join(" ");
  $("note").hidden = !D.notes.length;
}

// The way of a column through the shown candles, broken where it knows nothing.
function way(f, rows, column) {
  let out = "", pen = false, before = null;
  for (const r of rows) {
    const v = column.values[r[6]], x = f.X((r[0] + r[5]) / 2).toFixed(1);
    if (v == null) { pen = false; continue; }
    const y = f.Y(v).toFixed(1);
    out += pen ? (column.steps ? `H${x}V${y}` : `L${x},${y}`) : `M${x},${y}`;
    pen = true; before = v;
  }
  return before == null ? "" : out;
}

around.over = (f, rows) => {
  const [x0, x1] = view;
  if (!hidden.has("grid")) f.parts.push(`<path d="${D.grid.filter(one => one[1] >= x0 && one[0] <= x1).map(one => `M${f.X(Math.max(one[0], x0)).toFixed(1)},${f.Y(one[2]).toFixed(1)}H${f.X(Math.min(one[1], x1)).toFixed(1)}`).join("")}" stroke="${css("soft")}" opacity=".5" fill="none"/>`);
  D.over.forEach((column, i) => { if (!hidden.has(column.name)) f.parts.push(`<path d="${way(f, rows, { ...column, values: column.ticks })}" stroke="${ink(i)}" stroke-width="1.4" fill="none"/>`); });
};

let frames = [];
around.below = rows => {
  const host = $("panes"), small = innerWidth < 700;
  if (host.children.length !== D.panes.length) host.innerHTML = D.panes.map((pane, i) => `<div class="pane"><div class="legend">${pane.columns.map((column, k) => key(column.name, ink(k))).join("")}</div><div class="chart" id="pane${i}"></div></div>`).join("");
  frames = D.panes.map((pane, i) => {
    const seen = pane.columns.flatMap(column => rows.map(r => column.values[r[6]]).filter(v => v != null)), all = seen.concat(pane.levels);
    const y = all.length ? pad(Math.min(...all), Math.max(...all), .08) : [0, 1];
    const f = frame($(`pane${i}`), { height: small ? 84 : 108, x: view, y, label: v => pane.levels.length ? "" : told(v), zero: true, name: pane.name, right: 62, top: 4, bottom: 6 });
    pane.levels.forEach(v => f.parts.push(`<line x1="${f.m.l}" x2="${f.w - f.m.r}" y1="${f.Y(v)}" y2="${f.Y(v)}" stroke="${css("soft")}" stroke-dasharray="4 4" opacity=".8"/><text x="${f.w - f.m.r + 6}" y="${f.Y(v) + 4}">${told(v)}</text>`));
    pane.columns.forEach((column, k) => f.parts.push(`<path d="${way(f, rows, column)}" stroke="${ink(k)}" stroke-width="1.4" fill="none" stroke-linejoin="round"/>`));
    if (!seen.length) f.parts.push(`<text x="${f.m.l + 8}" y="${f.h / 2 + 4}">nothing is known here</text>`);
    f.parts.push(`<g class="cross"></g>`);
    f.draw();
    const box = $(`pane${i}`);
    box.onpointermove = event => {
      const at = f.back(event.clientX - box.getBoundingClientRect().left), r = rows[Math.min(search(rows.map(one => one[5]), at), rows.length - 1)];
      around.at(r, f.X(Math.min(Math.max(at, view[0]), view[1])));
      hint(event, `<b>${clock(r[5])}</b>${around.tell(r)}`);
    };
    box.onpointerleave = event => { hint(event, ""); around.at(null, 0); };
    return f;
  });
};

around.at = (row, x) => frames.forEach((f, i) => { $(`pane${i}`).querySelector(".cross").innerHTML = row ? `<line x1="${x}" x2="${x}" y1="${f.m.t}" y2="${f.h - f.m.b}" stroke="${css("soft")}" stroke-dasharray="3 3"/>` : ""; });
around.tell = row => [...D.over.filter(one => !hidden.has(one.name)), ...D.panes.flatMap(pane => pane.columns)].map(one => `<br>${esc(one.name)} ${told(one.values[row[6]])}`).join("");

const key = (name, colour) => `<span><svg viewBox="0 0 12 12"><path d="M0 6h12" stroke="${colour}" stroke-width="2"/></svg>${esc(name)}</span>`;
function switches() {
  const list = [...(D.grid.length ? [["grid", css("soft")]] : []), ...D.over.map((one, i) => [one.name, ink(i)])];
  if (!list.length) return;
  const host = document.createElement("div");
  host.className = "tools switches";
  const draw = () => { host.innerHTML = list.map(([name, colour]) => `<button type="button" data-key="${esc(name)}" aria-pressed="${!hidden.has(name)}">${key(name === "grid" ? "grid orders" : name, colour)}</button>`).join(""); };
  host.onclick = event => { const one = event.target.closest("button"); if (!one) return; const name = one.dataset.key; if (!hidden.delete(name)) hidden.add(name); draw(); prices(); };
  draw();
  $("price-legend").after(host);
}

show([masthead, switches, deals]);
