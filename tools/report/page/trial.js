// What the trial measured: a table, one column of which is drawn.

// A button that copies a text. Where the browser does not allow it, it selects the text's element.
function copy_button(label, element) {
  const button = make(
    "button",
    {
      type: "button",
      "aria-label": label,
      onclick: async () => {
        try {
          await navigator.clipboard.writeText(element.textContent);
          button.textContent = "Copied";
        } catch {
          getSelection().selectAllChildren(element);
          button.textContent = "Selected";
        }
        setTimeout(() => (button.textContent = "Copy"), 2000);
      },
    },
    "Copy",
  );
  return button;
}

function patch(label, lines) {
  const code = make("code", {}, lines);
  return make(
    "div",
    { class: "patch" },
    make("pre", { tabindex: 0, role: "region", "aria-label": label }, code),
    copy_button(`Copy ${label}`, code),
  );
}

function rows_of_trial() {
  const rows = [];
  entries.forEach((entry, index) => {
    const tried = trial.advice[entry.trial]?.trial;
    if (tried)
      rows.push({ name: entry_name(index), colour: entry_colour(index), bound: true, ...tried });
  });
  // One entry alone is the whole.
  if (trial.trial && rows.length !== 1)
    rows.unshift({ name: "The whole advice", colour: "var(--ink)", bound: true, ...trial.trial });
  for (const [name, result] of Object.entries(trial.alternatives ?? {}))
    rows.push({ name, colour: "var(--soft)", bound: false, ...result });
  return rows;
}

function show_trial() {
  if (entries.length === 0 && !trial) return;
  const rows = trial ? rows_of_trial() : [];
  if (rows.length === 0) {
    section(
      "trial",
      "Trial",
      make(
        "p",
        {},
        "There was no trial. It runs the unchanged program again with just the advised " +
          "allocations routed to allot, and with other mallocs, and tells what that changes. " +
          "This command does it all, and writes a report with it:",
      ),
      patch("the command", `allot advise --report report.html -- ${command}`),
    );
    return;
  }

  const least = Math.min(0, ...rows.map(({ gain }) => gain.low));
  const most = Math.max(0, ...rows.map(({ gain, expected }) => Math.max(gain.high, expected ?? 0)));
  const margin = Math.max(0.5, 0.06 * (most - least));
  const x = (value) => `${(100 * (value - least + margin)) / (most - least + 2 * margin)}%`;
  const step = [0.5, 1, 2, 5, 10, 20, 50].find((size) => (most - least) / size <= 6) ?? 100;
  const ticks = [];
  for (let tick = Math.ceil((least - margin) / step) * step; tick <= most + margin; tick += step)
    ticks.push(tick);
  const line = (x1, x2, y1, y2, more) => draw("line", { x1, x2, y1, y2, ...more });

  const picture = ({ gain, expected, colour, decided }) =>
    draw(
      "svg",
      { "aria-hidden": "true" },
      ticks.map((tick) =>
        line(x(tick), x(tick), 0, "100%", { stroke: tick === 0 ? "var(--ink)" : "var(--grid)" }),
      ),
      expected === undefined
        ? null
        : [
            line(x(gain.mid), x(expected), "50%", "50%", {
              stroke: colour,
              "stroke-dasharray": "2 3",
            }),
            draw(
              "svg",
              { x: x(expected), y: "50%", overflow: "visible" },
              draw("path", {
                d: "M-6 0 L0 -6 L6 0 L0 6 Z",
                fill: "var(--panel)",
                stroke: colour,
                "stroke-width": 1.5,
              }),
            ),
          ],
      line(x(gain.low), x(gain.high), "50%", "50%", { stroke: colour, "stroke-width": 2 }),
      [gain.low, gain.high].map((end) =>
        line(x(end), x(end), "35%", "65%", { stroke: colour, "stroke-width": 2 }),
      ),
      draw("circle", {
        cx: x(gain.mid),
        cy: "50%",
        r: 5,
        fill: decided ? colour : "var(--panel)",
        stroke: colour,
        "stroke-width": 2,
      }),
    );

  const scale = draw(
    "svg",
    { "aria-hidden": "true" },
    ticks.map((tick) =>
      draw(
        "text",
        { x: x(tick), y: "70%", "text-anchor": "middle" },
        tick === 0 ? "0" : `${signed(tick, step < 1 ? 1 : 0)} %`,
      ),
    ),
  );
  const cell = (title, text, more) =>
    make("td", { class: "number", "data-title": title, ...more }, text);

  section(
    "trial",
    "Trial",
    make(
      "p",
      {},
      `What changes of the processor time, in ${plural(trial.rounds, "round")} of all ways in random order. ` +
        "To the right is faster.",
    ),
    make(
      "table",
      { class: "trial" },
      make(
        "caption",
        {},
        "Gains in percent of the program's processor time, memory in percent of its peak",
      ),
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          make("th", { scope: "col" }, "Way"),
          make("th", { class: "drawn", scope: "col", "aria-label": "Picture" }, scale),
          ["Gain", "95 % interval", "Expected", "Memory"].map((title) =>
            make("th", { class: "number", scope: "col" }, title),
          ),
        ),
      ),
      make(
        "tbody",
        {},
        rows.map((row) =>
          make(
            "tr",
            {},
            make("th", { scope: "row" }, breakable(row.name)),
            make("td", { class: "drawn" }, picture(row)),
            cell("Gain", [
              row.bound && row.decided ? "≥ " : "",
              signed(row.gain.mid),
              " %",
              row.decided ? null : make("span", { class: "soft" }, " undecided"),
            ]),
            cell("95 % interval", interval(row.gain)),
            cell(
              "Expected",
              row.expected === undefined ? "as measured" : `${signed(row.expected)} %`,
            ),
            cell("Memory", `${signed(row.memory)} %`),
          ),
        ),
      ),
    ),
    key(),
    kept_promises(),
  );
}

function key() {
  const svg = (...children) =>
    draw(
      "svg",
      { viewBox: "0 0 48 16", "aria-hidden": "true", stroke: "var(--soft)", fill: "var(--soft)" },
      children,
    );
  const whiskers = () => [draw("path", { d: "M4 8 H44 M4 4 V12 M44 4 V12", "stroke-width": 2 })];
  return [
    make(
      "ul",
      { class: "key" },
      make(
        "li",
        {},
        svg(whiskers(), draw("circle", { cx: 24, cy: 8, r: 4 })),
        "median and 95 % interval",
      ),
      make(
        "li",
        {},
        svg(
          whiskers(),
          draw("circle", { cx: 24, cy: 8, r: 4, fill: "var(--panel)", "stroke-width": 2 }),
        ),
        "undecided at this noise",
      ),
      make(
        "li",
        {},
        svg(
          draw("path", { d: "M4 8 H34", "stroke-dasharray": "2 3" }),
          draw("path", { d: "M36 8 L42 2 L48 8 L42 14 Z", fill: "var(--panel)" }),
        ),
        "expected when written by hand",
      ),
    ),
    make(
      "p",
      { class: "soft" },
      "What a trial routes to allot still makes each call, looks it up and keeps its size, " +
        "which code that uses allot does not: its gain is a lower bound. The expected value adds " +
        "what these cost on this machine. Another malloc is measured as it would be used, and " +
        "needs no change.",
    ),
  ];
}

// What was predicted of each entry, and what the trial saw.
const promises = {
  epochs: "epochs",
  bytes: "bytes at most",
  blocks: "blocks at once",
  calls: "calls",
  foreign: "blocks freed by another thread",
  left: "reallocations that left",
  refused: "calls that were not served",
};

function kept_promises() {
  const tried = entries.flatMap((entry, index) => {
    const { predicted, seen } = trial.advice[entry.trial] ?? {};
    return predicted && seen ? [{ name: entry_name(index), predicted, seen }] : [];
  });
  if (tried.length === 0) return null;
  return [
    tried
      .filter(({ seen }) => seen.outgrown)
      .map(({ name }) =>
        make("p", { class: "warn" }, `${name}: it outgrew its prediction tenfold.`),
      ),
    table_of(
      "What was predicted, and what the trial saw",
      [
        { title: "Entry" },
        { title: "Of" },
        { title: "Predicted", number: true },
        { title: "Seen", number: true },
      ],
      () =>
        tried.flatMap(({ name, predicted, seen }) =>
          Object.keys(promises)
            .filter((key) => predicted[key] > 0 || seen[key] > 0)
            .map((key) => [name, promises[key], grouped(predicted[key] ?? 0), grouped(seen[key])]),
        ),
    ),
  ];
}
