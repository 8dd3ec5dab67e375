// Figures for people, and elements of the page.

// Formats are made once: that takes longer than to use them.
const formats = [0, 1, 2, 3, 4, 5, 6].map(
  (digits) =>
    new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);
const decimal = (n, digits) => formats[digits].format(n);
const grouped = (n) => decimal(n, 0);

function bytes(n) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; Math.abs(n) >= 1024 && unit + 1 < units.length; ++unit) n /= 1024;
  return `${decimal(n, unit === 0 || Math.abs(n) >= 99.95 ? 0 : 1)} ${units[unit]}`;
}

function count(n) {
  if (n >= 1e9) return `${decimal(n / 1e9, 1)} billion`;
  if (n >= 1e6) return `${decimal(n / 1e6, 1)} million`;
  return grouped(n);
}

function seconds(s) {
  const units = [
    [1, "s"],
    [1e-3, "ms"],
    [1e-6, "µs"],
    [1e-9, "ns"],
  ];
  const [size, unit] = units.find(([size]) => Math.abs(s) >= size * 0.9995) ?? units.at(-1);
  const value = s / size;
  return `${decimal(value, value === 0 || value >= 99.95 ? 0 : 1)} ${unit}`;
}

// A share of 0 to 1. What is there is never shown as 0, and not all as 100.
function percent(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  if (share < 1 && share > 0.999) return "> 99.9 %";
  return `${decimal(100 * share, share < 0.0995 ? 1 : 0)} %`;
}

const signed = (n, digits = 1) =>
  `${n > 0 ? "+" : n < 0 ? "−" : ""}${decimal(Math.abs(n), digits)}`;
const plural = (n, word) => `${grouped(n)} ${word}${n === 1 ? "" : "s"}`;

// The end of a path, which tells the most.
const basename = (path) => path.slice(path.lastIndexOf("/") + 1);

// A new element. Attributes are set; "on..." are listeners; null, undefined and false are left out.
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined),
  );
  return element;
}

// A function's name without what makes C++'s long: arguments, those of templates too.
function short_name(name) {
  if (/operator|\(anonymous|lambda/.test(name)) return name;
  for (let before = ""; before !== name;) {
    before = name;
    name = name.replace(/<[^<>]*>/g, "");
  }
  return name.split("(", 1)[0] || name;
}

// A name that may go on in the next line, but not inside of a word.
const breakable = (name) => name.split(/(?<=::|[<,(])/).flatMap((part) => [part, make("wbr")]);

// A section of the page, with its heading and place in the navigation.
function section(id, title, ...children) {
  const heading = make("h2", {}, title);
  document
    .querySelector("main")
    .append(
      make("section", { id, "aria-label": title }, id === "overview" ? null : heading, children),
    );
  document.querySelector("nav ul").append(make("li", {}, make("a", { href: `#${id}` }, title)));
}

// Buttons of which one is pressed. `choose` is called with an option's key.
function choice(label, options, choose) {
  const buttons = Object.entries(options).map(([key, text], index) =>
    make(
      "button",
      {
        type: "button",
        "aria-pressed": String(index === 0),
        onclick: (event) => {
          for (const button of buttons)
            button.setAttribute("aria-pressed", String(button === event.currentTarget));
          choose(key);
        },
      },
      text,
    ),
  );
  return make("div", { class: "choice", role: "group", "aria-label": label }, buttons);
}

// The data of a chart, for those who can't see it. The table is made when it is looked at.
// `columns` are {title, number}; `rows` gives arrays of texts.
function table_of(caption, columns, rows) {
  const details = make(
    "details",
    { class: "table" },
    make("summary", {}, `${caption}, as a table`),
  );
  details.addEventListener("toggle", () => {
    details.querySelector(".scroll")?.remove();
    if (details.open)
      details.append(
        make(
          "div",
          { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
          plain_table(caption, columns, rows()),
        ),
      );
  });
  return details;
}

function plain_table(caption, columns, rows) {
  const cell = (tag, text, column, more) =>
    make(tag, { class: column.number ? "number" : null, ...more }, text);
  return make(
    "table",
    {},
    make("caption", {}, caption),
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        columns.map((column) => cell("th", column.title, column, { scope: "col" })),
      ),
    ),
    make(
      "tbody",
      {},
      rows.map((row) =>
        make(
          "tr",
          {},
          row.map((text, index) =>
            index === 0
              ? cell("th", text, columns[0], { scope: "row" })
              : cell("td", text, columns[index]),
          ),
        ),
      ),
    ),
  );
}
