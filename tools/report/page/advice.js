// Each entry of the advice as a card: what, how much of it, one epoch, what to write.

function show_advice() {
  if (entries.length === 0) return;
  section("advice", "Advice", make("div", { class: "cards" }, entries.map(card)));
}

function card(entry, index) {
  const title = `entry-${index + 1}-title`;
  return make(
    "article",
    {
      class: "card",
      id: `entry-${index + 1}`,
      style: `--kind: ${entry_colour(index)}`,
      "aria-labelledby": title,
    },
    make(
      "div",
      {},
      make("h3", { id: title }, `${index + 1} `, breakable(what_and_where(entry))),
      entry.location ? make("p", { class: "soft" }, make("code", {}, entry.location)) : null,
    ),
    make("p", {}, `${kinds[entry.kind].what[0].toUpperCase()}${kinds[entry.kind].what.slice(1)}.`),
    gain(entry),
    make(
      "div",
      { class: "shares" },
      ["calls", "bytes"].map((what) => {
        const share = entry[`share_of_${what}`];
        return [
          make("span", {}, `of the ${what}`),
          make(
            "span",
            { class: "bar", "aria-hidden": "true" },
            make("i", { style: `width: ${100 * share}%` }),
          ),
          make("span", { class: "number" }, percent(share)),
        ];
      }),
    ),
    facts(entry),
    entry.escapes > 0 && entry.epochs > 0
      ? make(
          "p",
          { class: "warn" },
          `${plural(entry.escapes, "block")} of its calls outlive the function: ` +
            "they must come from elsewhere.",
        )
      : null,
    entry.threads > 1 && !["reserve", "other_malloc"].includes(entry.kind)
      ? make("p", { class: "warn" }, "A strategy serves one thread at a time: give each its own.")
      : null,
    entry.epoch ? show_epoch(entry) : null,
    entry.lines
      ? make(
          "div",
          {},
          make("h4", {}, "What to write"),
          patch(`lines of entry ${index + 1}`, entry.lines.trimEnd()),
        )
      : null,
  );
}

function gain(entry) {
  const tried = trial?.advice[entry.trial]?.trial;
  if (!tried)
    return trial && entry.kind !== "other_malloc"
      ? make(
          "p",
          { class: "soft" },
          ["region", "pool"].includes(entry.kind)
            ? "Not tried."
            : "Not tried: it needs a change of the source.",
        )
      : null;
  if (!tried.decided)
    return make(
      "p",
      { class: "gain" },
      `Tried alone: undecided at this noise, ${interval(tried.gain)}`,
    );
  return make(
    "p",
    { class: "gain" },
    `Tried alone: at least ${signed(tried.gain.mid)} % (${interval(tried.gain)}), ` +
      `expected ${signed(tried.expected)} %`,
  );
}

function facts(entry) {
  const pairs = [];
  if (entry.epochs > 0) {
    pairs.push(
      ["epochs", grouped(entry.epochs)],
      [
        "calls an epoch",
        decimal(entry.calls / entry.epochs, entry.calls < 10 * entry.epochs ? 1 : 0),
      ],
      ["largest", bytes(entry.max_bytes)],
      ["memory", `+${bytes(Math.max(0, entry.max_bytes - entry.max_live))}`],
    );
  } else {
    pairs.push(["calls", grouped(entry.calls)], ["bytes", bytes(entry.bytes)]);
  }
  if (entry.block_bytes > 0)
    pairs.push(
      ["a block", bytes(entry.block_bytes)],
      ["at once", plural(entry.most_blocks, "block")],
    );
  pairs.push(["threads", entry.threads === 64 ? "64 or more" : grouped(entry.threads)]);
  if (entry.epochs > 0 && entry.escapes === 0) pairs.push(["escapes", "none"]);
  return [
    make(
      "dl",
      { class: "pairs" },
      pairs.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
    ),
    entry.allocated_in.length > 0
      ? make(
          "p",
          { class: "soft" },
          "Allocated in ",
          entry.allocated_in.flatMap((name, index) => [
            index ? ", " : "",
            make("code", {}, breakable(name)),
          ]),
          entry.more_places > 0 ? ` and ${grouped(entry.more_places)} more` : "",
          ". ",
          make(
            "a",
            {
              href: "#sites",
              onclick: () =>
                filter_sites(`${entries.indexOf(entry) + 1} ${kinds[entry.kind].name}`),
            },
            "Its sites",
          ),
        )
      : null,
  ];
}
