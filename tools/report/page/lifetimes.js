// How long blocks lived, and inside of which function.

function show_lifetimes() {
  if (data.program.calls === 0) return;
  const shown = ({ entry }) => entry < 0 || entries[entry];
  const clocks = {
    events: {
      rows: data.lifetimes.events.filter(shown),
      unit: "events",
      age: (n) => plural(n, "event"),
    },
    bytes: {
      rows: data.lifetimes.bytes.filter(shown),
      unit: "bytes allocated meanwhile",
      age: bytes,
    },
  };
  let clock = clocks.events;
  let measure = "blocks";
  let bins = 0; // that are shown; what was never given back comes after them
  let names = null;

  const figure = (n) => (measure === "blocks" ? plural(n, "block") : bytes(n));
  const from = (bin) => (bin === 0 ? 0 : 2 ** (bin - 1));
  const value = (row, bin) => (bin < bins ? row[measure][bin] : row[`left_${measure}`]);
  const total = (bin) => clock.rows.reduce((sum, row) => sum + value(row, bin), 0);
  const age = (bin) => {
    if (bin === bins) return "never given back";
    return bin === 0
      ? `age ${clock.age(0)}`
      : `from ${clock.age(from(bin))}, below ${clock.age(2 * from(bin))}`;
  };
  const all_bins = () => Array.from({ length: bins + 1 }, (_, bin) => bin);

  const place = make("div", { class: "chart" });
  const readout = make("p", { class: "readout" });
  const lists = make("div");
  const table = make("div");
  const summary = make("p");
  const chart = plot(place, 280, (index) => show(index));
  const show = scrubber(
    place,
    "Lifetimes of blocks",
    () => bins + 1,
    (bin) => {
      const text = `${age(bin)}: ${figure(total(bin))}`;
      const texts = clock.rows.map((row) => figure(value(row, bin)));
      readout.textContent = text;
      names.write(texts);
      chart.point(bin);
      return `${text}; ${clock.rows.map((row, i) => `${entry_name(row.entry)} ${texts[i]}`).join(", ")}`;
    },
  );

  const described = () => {
    const given_back = all_bins().slice(0, bins).map(total);
    const all = given_back.reduce((sum, n) => sum + n, 0);
    let sum = 0;
    const middle = given_back.findIndex((n) => (sum += n) >= all / 2);
    return (
      (all === 0
        ? "Nothing was given back; "
        : `Half of the ${measure} that were given back had an age ` +
          `below ${clock.age(2 * from(middle) || 1)}; `) +
      `${figure(total(bins))} were never given back.`
    );
  };

  const repaint = () => {
    bins = Math.max(1, ...clock.rows.map((row) => row.blocks.findLastIndex((n) => n > 0) + 1));
    names = legend(
      clock.rows.map((row) => ({ name: entry_name(row.entry), colour: entry_colour(row.entry) })),
    );
    lists.replaceChildren(names.list);
    const tick = (bin) =>
      bin === bins ? "never" : bin > bins || bin < 0 || bin % 1 ? "" : power(from(bin));
    chart.show(
      {
        scales: { x: { time: false, range: [-0.6, bins + 0.6] }, y: from_zero },
        axes: [
          axis({
            incrs: [1, 2, 4, 8],
            space: 46,
            values: (_, values) => values.map(tick),
            grid: { show: false },
            label: `age from ... on, in ${clock.unit}`,
            size: 30,
          }),
          measure === "blocks" ? axis_of_counts() : axis_of_bytes(),
        ],
        series: [
          {},
          ...clock.rows
            .map((row) => ({
              fill: () => resolved(entry_colour(row.entry)),
              stroke: () => resolved("var(--panel)"),
              width: 1,
              paths: uPlot.paths.bars({ size: [0.85, 90] }),
              points: { show: false },
            }))
            .reverse(),
        ],
      },
      [all_bins(), ...stacked(clock.rows.map((row) => all_bins().map((bin) => value(row, bin))))],
    );

    names.write(
      clock.rows.map((row) => figure(all_bins().reduce((sum, bin) => sum + value(row, bin), 0))),
    );
    readout.textContent = "All ages";
    summary.textContent = described();
    table.replaceChildren(
      table_of(
        `${measure === "blocks" ? "Blocks" : "Bytes"} by age in ${clock.unit}`,
        [
          { title: "Age" },
          { title: "All", number: true },
          ...clock.rows.map((row) => ({ title: entry_name(row.entry), number: true })),
        ],
        () =>
          all_bins().map((bin) => [
            age(bin),
            grouped(total(bin)),
            ...clock.rows.map((row) => grouped(value(row, bin))),
          ]),
      ),
    );
  };

  section(
    "lifetimes",
    "Lifetimes",
    summary,
    make(
      "div",
      { class: "controls" },
      choice("Age in", { events: "in events", bytes: "in bytes" }, (key) => {
        clock = clocks[key];
        repaint();
      }),
      choice("Count", { blocks: "blocks", bytes: "bytes" }, (key) => {
        measure = key;
        repaint();
      }),
    ),
    place,
    readout,
    lists,
    table,
    scopes(),
  );
  repaint();
}

// 2^n, short.
function power(n) {
  const units = ["", " k", " M", " G", " T", " P"];
  let unit = 0;
  for (; n >= 1024 && unit + 1 < units.length; ++unit) n /= 1024;
  return `${n}${units[unit]}`;
}

function scopes() {
  const { scopes, other_scopes, no_scope } = data.lifetimes;
  const outside = "none: they outlive all functions, or die in another thread";
  const rest = [
    { function: "other functions", location: "", blocks: other_scopes },
    { function: outside, location: "", blocks: no_scope },
  ].filter(({ blocks }) => blocks > 0);
  const all = [...scopes, ...rest].reduce((sum, { blocks }) => sum + blocks, 0);
  const list = (rows) =>
    make(
      "ol",
      { class: "scopes" },
      rows.map(({ function: name, location, blocks }) =>
        make(
          "li",
          {},
          make("span", { class: "name", title: location ? `${name}, ${location}` : name }, name),
          make(
            "span",
            { class: "bar", "aria-hidden": "true" },
            make("i", { style: `width: ${(100 * blocks) / all}%; background: var(--accent)` }),
          ),
          make("span", { class: "number" }, percent(blocks / all)),
        ),
      ),
    );
  const more = scopes.slice(10);
  return make(
    "div",
    {},
    make("h3", {}, "Inside of which function blocks live and die"),
    list([...scopes.slice(0, 10), ...(more.length ? [] : rest)]),
    more.length
      ? make(
          "details",
          {},
          make("summary", {}, `${plural(more.length, "function")} more, and the rest`),
          list([...more, ...rest]),
        )
      : null,
  );
}
