// Memory over time: what lived, by entries of the advice or by sites.

function show_memory() {
  const { at, live, unit } = data.memory;
  if (at.length === 0) {
    section("memory", "Memory over time", make("p", {}, "No block was ever live."));
    return;
  }
  const tick = (t) => (at.at(-1) < 1 ? `${+(1e3 * t).toFixed(3)} ms` : `${+t.toFixed(3)} s`);
  const time = (t) => (unit === "seconds" ? seconds(t) : `event ${grouped(t)}`);
  const views = {
    by_entry: {
      word: "advice",
      rows: data.memory.by_entry.map((row) => ({
        name: entry_name(row.entry),
        text: entry_in_text(row.entry),
        colour: entry_colour(row.entry),
        live: row.live,
      })),
    },
    by_site: {
      word: "site",
      rows: data.memory.by_site.map((row) => ({
        name: site_name(row.site),
        text: site_name(row.site),
        colour: row.site < 0 ? "var(--other)" : site_colours.get(row.site),
        live: row.live,
      })),
    },
  };
  const first = entries.length > 0 ? "by_entry" : "by_site";
  let view = views[first];
  let names = null;

  const peak = live.indexOf(Math.max(...live));
  const largest = view.rows
    .map((row) => ({ name: row.text, share: live[peak] ? row.live[peak] / live[peak] : 0 }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
    .slice(0, 3);
  const summary =
    `The most is ${bytes(live[peak])}, at ${time(at[peak])}: ` +
    `${largest.map(({ name, share }) => `${percent(share)} of ${name}`).join(", ")}. ` +
    `At the end there are ${bytes(live.at(-1))}.`;

  const place = make("div", { class: "chart" });
  const readout = make("p", { class: "readout" });
  const lists = make("div");
  const chart = plot(place, 280, (index) => show(index));
  const show = scrubber(
    place,
    "Memory over time",
    () => at.length,
    (index) => {
      const text = `${time(at[index])}: ${bytes(live[index])}`;
      const texts = view.rows.map((row) => bytes(row.live[index]));
      readout.textContent = text;
      names.write(texts);
      chart.point(index);
      return `${text}; ${view.rows.map((row, i) => `${row.name} ${texts[i]}`).join(", ")}`;
    },
  );

  const choose = (key) => {
    view = views[key];
    names = legend(view.rows);
    lists.replaceChildren(names.list);
    chart.show(
      {
        scales: { x: { time: false }, y: from_zero },
        axes: [
          unit === "seconds"
            ? axis({
                size: 30,
                values: (_, values) => values.map(tick),
              })
            : axis_of_counts({
                size: 34,
                label: "events: calls of malloc and its kin, and of free",
              }),
          axis_of_bytes(),
        ],
        series: [
          {},
          ...view.rows
            .map((row) => ({
              fill: () => resolved(row.colour),
              width: 0,
              points: { show: false },
            }))
            .reverse(),
        ],
      },
      [at, ...stacked(view.rows.map((row) => row.live))],
    );
    names.write(view.rows.map((row) => bytes(row.live[peak])));
    readout.textContent = `At the peak, ${time(at[peak])}: ${bytes(live[peak])}`;
    table.replaceChildren(
      table_of(
        `Live bytes by ${view.word}`,
        [
          { title: unit === "seconds" ? "Seconds" : "Event", number: true },
          { title: "All", number: true },
          ...view.rows.map((row) => ({ title: row.name, number: true })),
        ],
        () =>
          at.map((t, index) => [
            unit === "seconds" ? decimal(t, 6) : grouped(t),
            grouped(live[index]),
            ...view.rows.map((row) => grouped(row.live[index])),
          ]),
      ),
    );
  };
  const table = make("div");
  section(
    "memory",
    "Memory over time",
    make("p", {}, summary),
    entries.length > 0
      ? make(
          "div",
          { class: "controls" },
          choice("Colours by", { by_entry: "by advice", by_site: "by site" }, choose),
        )
      : null,
    place,
    readout,
    lists,
    table,
  );
  choose(first);
}
