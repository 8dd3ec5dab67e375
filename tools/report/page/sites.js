// The places that allocate, as a table that can be sorted and filtered.

let filter_sites = () => {};

function show_sites() {
  const sizes = ({ min_size, max_size }) =>
    min_size === max_size ? grouped(min_size) : `${grouped(min_size)} to ${grouped(max_size)}`;
  const badge = ({ entry }) =>
    !entries[entry]
      ? make("span", { class: "soft" }, "none")
      : make(
          "span",
          { class: "badge", title: entry_name(entry) },
          swatch(entry_colour(entry)),
          `${entry + 1} ${kinds[entries[entry].kind].name}`,
        );
  const columns = [
    { title: "Function", key: (site) => site.function },
    { title: "Entry", key: (site) => (entries[site.entry] ? site.entry : Infinity), text: badge },
    { title: "Calls", number: true, key: (site) => site.calls, bar: data.program.calls },
    {
      title: "Bytes",
      number: true,
      key: (site) => site.bytes,
      bar: data.program.bytes,
      text: (site) => bytes(site.bytes),
    },
    { title: "Sizes", number: true, key: (site) => site.max_size, text: sizes },
    {
      title: "Peak",
      number: true,
      key: (site) => site.most_live_bytes,
      text: (site) => bytes(site.most_live_bytes),
    },
    {
      title: "Age",
      number: true,
      key: (site) => site.mean_age,
      text: (site) => grouped(site.mean_age),
    },
    { title: "Left", number: true, key: (site) => site.left },
    { title: "Moves", number: true, key: (site) => site.moves },
    { title: "Growths", number: true, key: (site) => site.growths },
    { title: "Foreign", number: true, key: (site) => site.foreign },
    { title: "Escapes", number: true, key: (site) => site.escapes },
    {
      title: "Threads",
      number: true,
      key: (site) => site.threads,
      text: (site) => (site.threads === 64 ? "64+" : grouped(site.threads)),
    },
  ].filter(({ title }) => title !== "Entry" || entries.length > 0);
  let sorted = columns.find(({ title }) => title === "Calls");
  let descending = true;

  const cell = (site, column) =>
    make(
      "td",
      { class: !column.number ? null : column.key(site) === 0 ? "number soft" : "number" },
      column.text ? column.text(site) : grouped(column.key(site)),
      column.bar
        ? make(
            "span",
            { class: "bar", "aria-hidden": "true" },
            make("i", {
              style: `width: ${(100 * column.key(site)) / column.bar}%; background: ${entry_colour(site.entry)}`,
            }),
          )
        : null,
    );
  const rows = data.sites.map((site) => ({
    site,
    text: `${site.function} ${site.location} ${site.module} ${entry_name(site.entry)}`.toLowerCase(),
    element: make(
      "tr",
      {},
      make(
        "th",
        { class: "function", scope: "row" },
        make("code", {}, breakable(site.function)),
        make("small", {}, site.location || basename(site.module)),
      ),
      columns.slice(1).map((column) => cell(site, column)),
    ),
  }));

  const body = make("tbody");
  const shown = make("span", { class: "soft", role: "status" });
  const input = make("input", {
    type: "search",
    placeholder: "function, file or entry",
    "aria-label": "Filter sites",
    oninput: () => fill_in(),
  });
  const heads = columns.map((column) =>
    make(
      "th",
      { scope: "col", class: column.number ? "number" : null },
      make(
        "button",
        {
          type: "button",
          onclick: () => {
            descending = sorted === column ? !descending : column.number === true;
            sorted = column;
            fill_in();
          },
        },
        column.title,
        make("span", { class: "arrow", "aria-hidden": "true" }),
      ),
    ),
  );

  const fill_in = () => {
    const wanted = input.value.trim().toLowerCase();
    const fit = rows
      .filter(({ text }) => text.includes(wanted))
      .sort((a, b) => {
        const [x, y] = [sorted.key(a.site), sorted.key(b.site)];
        return (x < y ? -1 : x > y ? 1 : 0) * (descending ? -1 : 1);
      });
    body.replaceChildren(...fit.map(({ element }) => element));
    shown.textContent =
      fit.length === rows.length
        ? plural(rows.length, "site")
        : `${fit.length} of ${plural(rows.length, "site")}`;
    heads.forEach((head, index) => {
      const this_one = columns[index] === sorted;
      head.querySelector(".arrow").textContent = this_one ? (descending ? "↓" : "↑") : "";
      if (this_one) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  };
  filter_sites = (text) => {
    input.value = text;
    fill_in();
  };
  fill_in();

  section(
    "sites",
    "Sites",
    make("div", { class: "controls" }, input, shown),
    make(
      "div",
      { class: "sites", tabindex: 0, role: "region", "aria-label": "Sites" },
      make(
        "table",
        {},
        make("caption", {}, "Places that allocate: sizes in bytes, ages in events"),
        make("thead", {}, make("tr", {}, heads)),
        body,
      ),
    ),
    data.more_sites > 0
      ? make(
          "p",
          { class: "soft" },
          `${plural(data.more_sites, "site")} more, of ${count(data.more_calls)} calls and ` +
            `${bytes(data.more_bytes)}, are left out.`,
        )
      : null,
    make(
      "details",
      {},
      make("summary", {}, "What the columns mean"),
      make(
        "dl",
        { class: "pairs" },
        [
          ["peak", "live bytes: the sum over its callers of each one's peak"],
          ["age", "mean of what was given back, in calls of malloc and its kin and of free"],
          ["left", "never given back"],
          ["moves", "ended by a reallocation"],
          ["growths", "got for the content of a smaller block"],
          ["foreign", "given back by another thread"],
          ["escapes", "outlived the function of its entry"],
          ["threads", "that allocate or free there"],
        ].map(([name, meaning]) => make("div", {}, make("dt", {}, name), make("dd", {}, meaning))),
      ),
    ),
  );
}
