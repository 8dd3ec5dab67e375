// What charts that are drawn on a canvas have in common.

// Makes `element` a slider over the `length` places of a picture: by arrow keys, or by what shows a
// place with the function that this returns. `at` shows a place, and says what is there.
function scrubber(element, label, length, at) {
  let now = 0;
  const show = (index) => {
    now = Math.max(0, Math.min(length() - 1, index));
    element.setAttribute("aria-valuemax", Math.max(0, length() - 1));
    element.setAttribute("aria-valuenow", now);
    element.setAttribute("aria-valuetext", at(now));
  };
  const steps = {
    ArrowRight: () => now + 1,
    ArrowUp: () => now + 1,
    ArrowLeft: () => now - 1,
    ArrowDown: () => now - 1,
    PageUp: () => now + Math.ceil(length() / 10),
    PageDown: () => now - Math.ceil(length() / 10),
    Home: () => 0,
    End: () => length() - 1,
  };
  fill(
    element,
    {
      role: "slider",
      tabindex: 0,
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": Math.max(0, length() - 1),
      "aria-valuenow": 0,
      "aria-valuetext": "Arrow keys tell what is where",
      onkeydown: (event) => {
        const step = steps[event.key];
        if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        show(step());
      },
    },
    [],
  );
  return show;
}

// Layers that stand on each other: what uPlot draws first is the highest, and the next covers it.
function stacked(layers) {
  const sums = [];
  layers.forEach((layer, index) => {
    sums.push(index === 0 ? layer : layer.map((value, at) => value + sums[index - 1][at]));
  });
  return sums.reverse();
}

const axis = (more) => ({
  stroke: () => resolved("var(--soft)"),
  grid: { stroke: () => resolved("var(--grid)"), width: 1 },
  ticks: { stroke: () => resolved("var(--grid)"), width: 1, size: 4 },
  font: "12px system-ui, sans-serif",
  labelFont: "12px system-ui, sans-serif",
  labelSize: 18,
  ...more,
});

const from_zero = { range: (_, least, most) => [0, 1.05 * most || 1] };
const powers_of_two = Array.from({ length: 50 }, (_, exponent) => 2 ** exponent);
const axis_of_bytes = () =>
  axis({
    size: 66,
    incrs: powers_of_two,
    values: (_, values) => values.map((value) => (value ? bytes(value) : "0")),
  });
const axis_of_counts = (more) =>
  axis({ size: 66, values: (_, values) => values.map(short_count), ...more });

function short_count(n) {
  if (n >= 1e9) return `${+(n / 1e9).toFixed(2)} G`;
  if (n >= 1e6) return `${+(n / 1e6).toFixed(2)} M`;
  if (n >= 1e4) return `${+(n / 1e3).toFixed(1)} k`;
  return `${+n.toFixed(2)}`;
}

// A chart as wide as its `place`: made anew by show(options, columns), recoloured when colours
// change. `pointed` is told where the pointer is.
function plot(place, height, pointed) {
  let chart = null;
  const size = () => ({ width: Math.max(200, Math.floor(place.clientWidth)), height });
  new ResizeObserver(() => chart?.setSize(size())).observe(place);
  when_colours_change(() => chart?.redraw(false, true));
  return {
    show(options, columns) {
      chart?.destroy();
      chart = new uPlot(
        {
          ...size(),
          legend: { show: false },
          cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
          hooks: {
            setCursor: [
              (self) => self.cursor.event && self.cursor.idx !== null && pointed(self.cursor.idx),
            ],
          },
          ...options,
        },
        columns,
        place,
      );
    },
    point(index) {
      chart.setCursor({ left: chart.valToPos(chart.data[0][index], "x"), top: 0 }, false);
    },
  };
}

// What the colours of a chart mean, from the bottom up: rows are {name, colour}. Returns the list and
// a function that writes values beside the names.
function legend(rows) {
  const values = rows.map(() => make("span", { class: "value" }));
  const list = make(
    "ul",
    { class: "legend" },
    rows.map(({ name, colour }, index) =>
      make(
        "li",
        {},
        swatch(colour),
        make("span", { class: "name", title: name }, name),
        values[index],
      ),
    ),
  );
  return {
    list,
    write: (texts) => texts.forEach((text, index) => (values[index].textContent = text)),
  };
}
