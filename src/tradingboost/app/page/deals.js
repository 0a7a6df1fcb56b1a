// The table of deals; a click shows one in the price chart.
let sort = ["number", 1], page = 0;
const chartOf = d => D.symbols ? D.symbols.find(one => one.symbol === d.symbol).chart : P;
const COLUMNS = [["number", "#", d => d.number], ...(D.symbols ? [["symbol", "symbol", d => esc(d.symbol), "l"]] : []), ["side", "side", d => d.leg === "hedge" ? `${d.side}, hedge` : d.side, "l"], ["opened_ms", "opened", d => clock(d.opened_ms)],
  ["net", "net", d => `<b class="${tone(Number(d.net))}">${signed(Number(d.net))}</b>`], ["net_ratio", "of stake", d => spct(d.net_ratio)], ["reason", "ended by", d => words(d.reason || "left open"), "l"],
  ["held", "held", d => d.closed_ms ? span(d.closed_ms - d.opened_ms) : "open"], ["entries", "entries", d => d.entries], ["qty", "quantity", d => Number(d.qty)], ["entry_price", "in at", d => num(d.entry_price, digitsOf(chartOf(d)))],
  ["exit_price", "out at", d => d.exit_price == null ? "–" : num(d.exit_price, digitsOf(chartOf(d)))], ["costs", "fees", d => num(d.fees)], ["funding", "funding", d => signed(Number(d.funding))]];
function deals() {
  const value = d => ({ held: d.closed_ms ? d.closed_ms - d.opened_ms : Infinity, costs: Number(d.fees), side: d.side, reason: d.reason || "", symbol: d.symbol })[sort[0]] ?? Number(d[sort[0]]);
  const list = D.deals.slice().sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a.number - b.number) * sort[1]), size = 25, pages = Math.max(1, Math.ceil(list.length / size));
  page = Math.min(Math.max(page, 0), pages - 1);
  $("deals").innerHTML = `<table><thead><tr>${COLUMNS.map(([key, text, , side]) => `<th data-sort="${key}" class="${side || ""}">${text}${sort[0] === key ? (sort[1] > 0 ? " ↑" : " ↓") : ""}</th>`).join("")}</tr></thead><tbody>${list.slice(page * size, (page + 1) * size).map(d =>
    `<tr data-deal="${d.number}">${COLUMNS.map(([, , show, side]) => `<td class="${side || ""}">${show(d)}</td>`).join("")}</tr>`).join("")}</tbody></table>`;
  $("deals").onclick = event => {
    const head = event.target.closest("th"), row = event.target.closest("tr[data-deal]");
    if (head) { sort = [head.dataset.sort, sort[0] === head.dataset.sort ? -sort[1] : 1]; deals(); }
    else if (row) { const d = D.deals.find(one => one.number === Number(row.dataset.deal)), until = d.closed_ms || end, extra = Math.max((until - d.opened_ms) * .25, P.candle_ms * 12); around.turn(d); look(d.opened_ms - extra, until + extra); $("price").scrollIntoView({ behavior: "smooth", block: "center" }); }
  };
  buttons("deals-tools", pages > 1 ? [["-1", "←"], ["0", `${page + 1} / ${pages}`], ["1", "→"]] : [], "0", key => { page += Number(key); deals(); });
}

