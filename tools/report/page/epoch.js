// The picture of one epoch: each block a bar from birth to death, the oldest at the top.

function show_epoch(entry) {
  const epoch = entry.epoch;
  const blocks = epoch.birth.map((birth, index) => ({
    birth,
    death: epoch.death[index],
    size: epoch.size[index],
    site: epoch.site[index],
    own: epoch.own[index] === 1,
    outlives: epoch.outlives[index] === 1,
  }));
  const span = Math.max(1, epoch.span);

  // Sites by how many blocks of theirs there are; the entry's first, then what stands for others.
  const counts = new Map();
  for (const { site, own } of blocks) counts.set(site, (counts.get(site) ?? 0) + (own ? 1e6 : 1));
  const sites = [...counts.keys()].sort(
    (a, b) => (a < 0) - (b < 0) || counts.get(b) - counts.get(a),
  );
  const colours = colours_of_sites(sites);

  // Heights grow with the root of the size, so that small blocks can be seen beside large ones.
  const room = Math.min(400, Math.max(60, blocks.length * 8));
  const roots = blocks.map(({ size }) => Math.sqrt(Math.max(1, size)));
  const all = roots.reduce((sum, root) => sum + root, 0);
  let top = 0;
  const x = (event) => `${(100 * event) / span}%`;
  const bars = blocks.map((block, index) => {
    const height = Math.min(24, Math.max(0.75, (room * roots[index]) / all));
    const y = top;
    top += height;
    return draw("rect", {
      class: block.own ? null : "theirs",
      x: x(block.birth),
      y,
      width: x(Math.max(block.death - block.birth, span / 400)),
      height: height > 3 ? height - 1 : height,
      fill: colours.get(block.site),
      "data-index": index,
    });
  });
  const escapes = blocks
    .map(
      (block, index) =>
        block.outlives &&
        draw(
          "svg",
          {
            x: "100%",
            y: +bars[index].getAttribute("y") + bars[index].getAttribute("height") / 2,
            overflow: "visible",
          },
          draw("path", { class: "escape", d: "M1 -4 L9 0 L1 4 Z" }),
        ),
    )
    .filter(Boolean);

  const svg = draw(
    "svg",
    { height: Math.ceil(top), "aria-hidden": "true" },
    draw("rect", { class: "frame", width: "100%", height: "100%" }),
    bars,
    escapes,
  );
  const place = make("div", { class: "chart" }, svg);
  const readout = make(
    "p",
    { class: "readout" },
    "Each bar is a block, from birth to death; the oldest is at the top.",
  );

  const described = (index) => {
    const { birth, death, size, site, own, outlives } = blocks[index];
    return (
      `${bytes(size)} from ${site_name(site)}: ` +
      (outlives
        ? `born at ${grouped(birth)}, lives on`
        : `lives from event ${grouped(birth)} to ${grouped(death)}`) +
      (own ? "" : "; not of this entry")
    );
  };
  const show = scrubber(
    place,
    `Blocks of the epoch in ${entry.function}`,
    () => blocks.length,
    (index) => {
      svg.querySelector(".chosen")?.classList.remove("chosen");
      bars[index].classList.add("chosen");
      return (readout.textContent = described(index));
    },
  );
  place.addEventListener("pointerover", (event) => {
    if (event.target.dataset.index) show(+event.target.dataset.index);
  });

  const names = legend(
    sites.slice(0, 8).map((site) => ({ name: site_name(site), colour: colours.get(site) })),
  );
  names.write(
    sites
      .slice(0, 8)
      .map((site) => plural(blocks.filter((block) => block.site === site).length, "block")),
  );

  const drawn =
    blocks.length < epoch.blocks + epoch.others ? `; ${grouped(blocks.length)} are drawn` : "";
  return make(
    "figure",
    { class: "epoch" },
    make(
      "figcaption",
      {},
      make(
        "h4",
        {},
        entry.epochs === 1
          ? "Its one epoch"
          : `A typical epoch: number ${grouped(epoch.number)} of ${grouped(entry.epochs)}`,
      ),
      make(
        "p",
        {},
        `${plural(epoch.blocks, "block")}, ${bytes(epoch.bytes)}, ` +
          `all gone after ${plural(epoch.span, "event")}` +
          (epoch.others
            ? `; meanwhile ${plural(epoch.others, "block")} (${bytes(epoch.other_bytes)}) ` +
              "that the entry leaves to malloc, pale"
            : "") +
          (epoch.outliving ? `, of which ${grouped(epoch.outliving)} live on (` : ""),
        epoch.outliving ? arrow() : "",
        epoch.outliving ? ")" : "",
        `${drawn}.`,
      ),
    ),
    place,
    make(
      "p",
      { class: "ends soft", "aria-hidden": "true" },
      make("span", {}, "0"),
      make("span", {}, plural(epoch.span, "event")),
    ),
    readout,
    names.list,
    table_of(
      "Blocks of the epoch",
      [
        { title: "Birth", number: true },
        { title: "Death", number: true },
        { title: "Bytes", number: true },
        { title: "Site" },
        { title: "Of the entry" },
      ],
      () =>
        blocks.map(({ birth, death, size, site, own, outlives }) => [
          grouped(birth),
          outlives ? "lives on" : grouped(death),
          grouped(size),
          site_name(site),
          own ? "yes" : "no",
        ]),
    ),
  );
}

const arrow = () =>
  draw(
    "svg",
    {
      viewBox: "0 -5 10 10",
      width: 10,
      height: 10,
      role: "img",
      "aria-label": "marked at the right",
    },
    draw("path", { class: "escape", d: "M1 -4 L9 0 L1 4 Z", fill: "var(--warn)" }),
  );
