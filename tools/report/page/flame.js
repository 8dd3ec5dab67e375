// The flame graph, from the program's start downward. One node is chosen, by pointer or arrow keys,
// and told below; one is zoomed to.

const least_pixels = 2; // a node that would be narrower is left out until its caller is zoomed to
const row_height = 20;

function show_flame() {
  const { names, parent, name, location, calls, bytes: sizes, entry } = data.flame;
  if (parent.length === 0) {
    section("flame", "Where it allocates", make("p", {}, "There were no allocations."));
    return;
  }
  const below = parent.map(() => []);
  parent.forEach((above, node) => above >= 0 && below[above].push(node));
  const columns = { calls, bytes: sizes };
  const figure = { calls: (n) => plural(n, "call"), bytes };
  const text = (node) => names[name[node]];

  let measure = "calls";
  let root = null;
  let zoomed = null;
  let chosen = null;
  let found = null; // a Set of nodes, or null
  let elements = new Map();

  const layout = () => {
    root = d3.hierarchy(0, (node) => below[node]);
    root.each((node) => {
      node.value = columns[measure][node.data];
    });
    root.sort((a, b) => b.value - a.value);
    d3.partition()(root);
    const nodes = new Map(root.descendants().map((node) => [node.data, node]));
    zoomed = nodes.get(zoomed?.data) ?? root;
    chosen = nodes.get(chosen?.data) ?? zoomed;
  };

  const graph = make("div", {
    class: "flame",
    role: "tree",
    "aria-label": "Calls, from the program's start to what allocates",
    "aria-describedby": "flame-help",
  });
  const crumbs = make("ol", { class: "crumbs", "aria-label": "Zoomed to" });
  const readout = make("p", { class: "readout" });
  const hits = make("span", { class: "soft", role: "status" });
  const table = make("div");

  const share = (node) => node.value / (root.value || 1);
  const told = (node) => {
    const own = node.value - (node.children ?? []).reduce((sum, child) => sum + child.value, 0);
    return [
      text(node.data),
      `${figure[measure](node.value)}, ${percent(share(node))}`,
      own > 0 && node.children ? `${figure[measure](own)} by itself` : null,
      location[node.data] >= 0 ? names[location[node.data]] : null,
      entries[entry[node.data]] ? entry_name(entry[node.data]) : null,
    ]
      .filter(Boolean)
      .join(" · ");
  };

  const paint = () => {
    const width = graph.clientWidth || 1000;
    const had_focus = graph.contains(document.activeElement);
    const scale = 1 / Math.max(zoomed.x1 - zoomed.x0, 1e-12);
    const shown = [];
    const add = (node, left, right, class_name) => {
      const pixels = (right - left) * width;
      const colour = entries[entry[node.data]]
        ? `color-mix(in oklab, ${entry_colour(entry[node.data])} 38%, var(--panel))`
        : null;
      const element = make(
        "div",
        {
          role: "treeitem",
          tabindex: -1,
          "aria-level": node.depth + 1,
          "aria-label": `${text(node.data)}, ${percent(share(node))} of the ${measure}`,
          "aria-selected": "false",
          "aria-expanded": node.children ? "false" : null,
          class:
            [class_name, pixels < 24 ? "narrow" : "", found?.has(node.data) ? "match" : ""]
              .join(" ")
              .trim() || null,
          style:
            `left: ${100 * left}%; width: ${100 * (right - left)}%; top: ${node.depth * row_height}px` +
            (colour ? `; --node: ${colour}` : ""),
        },
        pixels < 24 ? "" : short_name(text(node.data)),
      );
      element.node = node;
      elements.set(node, element);
      if (node.parent) elements.get(node.parent)?.setAttribute("aria-expanded", "true");
      shown.push(element);
    };
    const descend = (node) => {
      const left = (node.x0 - zoomed.x0) * scale;
      const right = (node.x1 - zoomed.x0) * scale;
      if ((right - left) * width < least_pixels && node !== zoomed) return;
      add(node, left, right, "");
      for (const child of node.children ?? []) descend(child);
    };
    elements = new Map();
    for (const above of zoomed.ancestors().slice(1).reverse()) add(above, 0, 1, "above");
    descend(zoomed);
    while (!elements.has(chosen)) chosen = chosen.parent ?? zoomed;

    const depth = Math.max(...[...elements.keys()].map((node) => node.depth));
    graph.classList.toggle("searched", found !== null);
    graph.replaceChildren(
      ...shown,
      make("div", { role: "none", style: `height: ${(depth + 1) * row_height}px` }),
    );
    choose(chosen, had_focus);
  };

  const choose = (node, focus) => {
    const before = elements.get(chosen);
    if (before) fill(before, { tabindex: -1, "aria-selected": "false" }, []);
    chosen = node;
    const element = elements.get(node);
    fill(element, { tabindex: 0, "aria-selected": "true" }, []);
    readout.textContent = told(node);
    if (focus) element.focus();
  };

  const zoom = (node, focus) => {
    zoomed = node;
    chosen = node;
    crumbs.replaceChildren(
      ...node
        .ancestors()
        .reverse()
        .map((step) =>
          make(
            "li",
            {},
            step === node
              ? make("span", { "aria-current": "true" }, short_name(text(step.data)))
              : make(
                  "button",
                  { type: "button", onclick: () => zoom(step, true) },
                  short_name(text(step.data)),
                ),
          ),
        ),
    );
    paint();
    if (focus) elements.get(node).focus();
  };

  const visible = (nodes) => (nodes ?? []).filter((node) => elements.has(node));
  const beside = (step) => {
    const level = [...elements.keys()].filter((node) => node.depth === chosen.depth);
    return level[level.indexOf(chosen) + step];
  };
  const keys = {
    ArrowDown: () => visible(chosen.children)[0],
    ArrowUp: () => chosen.parent,
    ArrowLeft: () => beside(-1),
    ArrowRight: () => beside(1),
    Home: () => root,
  };
  graph.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") zoom(chosen, true);
    else if (event.key === "Escape" || event.key === "Backspace") zoom(zoomed.parent ?? root, true);
    else if (keys[event.key]) {
      const next = keys[event.key]();
      if (next) choose(next, true);
    } else return;
    event.preventDefault();
  });
  graph.addEventListener("click", ({ target }) => target.node && zoom(target.node, true));
  graph.addEventListener(
    "pointerover",
    ({ target }) => target.node && (readout.textContent = told(target.node)),
  );
  graph.addEventListener("pointerleave", () => (readout.textContent = told(chosen)));
  graph.addEventListener(
    "focusin",
    ({ target }) => target.node && target.node !== chosen && choose(target.node, false),
  );

  const search = (wanted) => {
    wanted = wanted.trim().toLowerCase();
    found =
      wanted === ""
        ? null
        : new Set([...parent.keys()].filter((node) => text(node).toLowerCase().includes(wanted)));
    if (found === null) hits.textContent = "";
    else {
      // What is below a hit is in it already.
      let sum = 0;
      const add = (node) => {
        if (found.has(node.data)) sum += node.value;
        else for (const child of node.children ?? []) add(child);
      };
      add(root);
      hits.textContent = `${plural(found.size, "node")}, ${percent(sum / (root.value || 1))} of the ${measure}`;
    }
    paint();
  };
  const input = make("input", {
    type: "search",
    placeholder: "function",
    "aria-label": "Search functions",
    oninput: () => search(input.value),
  });

  const show = (key) => {
    measure = key;
    layout();
    zoom(zoomed, false);
    search(input.value);
  };
  table.append(
    table_of(
      "The flame graph",
      [
        { title: "Function" },
        { title: "Called by" },
        { title: "Depth", number: true },
        { title: "Calls", number: true },
        { title: "Bytes", number: true },
      ],
      () =>
        root
          .descendants()
          .map((node) => [
            text(node.data),
            node.parent ? text(node.parent.data) : "",
            grouped(node.depth),
            grouped(calls[node.data]),
            grouped(sizes[node.data]),
          ]),
    ),
  );

  const heaviest = [];
  for (let node = 0; below[node].length > 0;) {
    node = below[node].reduce((most, child) => (calls[child] > calls[most] ? child : most));
    heaviest.push(node);
  }
  section(
    "flame",
    "Where it allocates",
    make(
      "p",
      {},
      `${grouped(parent.length)} nodes. Most calls go through ${heaviest
        .slice(0, 4)
        .map((node) => short_name(text(node)))
        .join(", ")}` + `${heaviest.length > 4 ? ` to ${short_name(text(heaviest.at(-1)))}` : ""}.`,
    ),
    make(
      "div",
      { class: "controls" },
      choice("Width by", { calls: "calls", bytes: "bytes" }, show),
      input,
      hits,
      make("button", { type: "button", onclick: () => zoom(root, false) }, "All of it"),
    ),
    make("nav", { "aria-label": "Zoom" }, crumbs),
    graph,
    readout,
    entries.length > 0
      ? legend(
          entries.map((_, index) => ({ name: entry_name(index), colour: entry_colour(index) })),
        ).list
      : null,
    make(
      "p",
      { class: "soft", id: "flame-help" },
      "A click or Enter zooms in, Escape out; arrow keys go to callers, callees and what is beside.",
    ),
    table,
  );
  show("calls");
  let width = graph.clientWidth;
  new ResizeObserver(() => {
    if (graph.clientWidth === width) return;
    width = graph.clientWidth;
    paint();
  }).observe(graph);
}
