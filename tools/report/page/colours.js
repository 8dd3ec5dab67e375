// The data, and how its entries and sites are called and coloured everywhere.

const data = JSON.parse(document.getElementById("data").textContent);
const entries = data.entries.filter((entry) => entry.kind !== "leave");

const kinds = {
  region: { name: "Region", what: "its blocks die together" },
  pool: { name: "BlockPool", what: "blocks of one size come and go" },
  object_pool: {
    name: "ObjectPool",
    what: "the same object is made and destroyed again and again",
  },
  stack: { name: "Stack", what: "the newest block goes first" },
  reserve: { name: "reserve", what: "what grows is moved again and again" },
  other_malloc: { name: "Another malloc", what: "many calls, and no pattern among them" },
};

function entry_name(index) {
  if (!entries[index]) return entries.length > 0 ? "in no entry" : "all blocks";
  return `${index + 1} ${what_and_where(entries[index], short_name)}`;
}
const what_and_where = ({ kind, function: name }, form = (name) => name) =>
  `${kinds[kind].name}${name ? ` in ${form(name)}` : ""}`;

// Entries of the same kind are shades of one colour.
const shades = ["", "55%, var(--panel)", "65%, var(--ink)", "35%, var(--panel)"];
const entry_colours = entries.map(({ kind }, index) => {
  const colour = `var(--${kind === "other_malloc" ? "other" : kind})`;
  const shade = entries.slice(0, index).filter((earlier) => earlier.kind === kind).length;
  return shade === 0 ? colour : `color-mix(in oklab, ${colour} ${shades[shade % shades.length]})`;
});
const entry_colour = (index) =>
  entry_colours[index] ?? (entries.length > 0 ? "var(--other)" : "var(--region)");

// The same inside of a sentence.
const entry_in_text = (index) =>
  !entries[index]
    ? "no entry"
    : `entry ${index + 1} (${what_and_where(entries[index], short_name)})`;

// A site's name is the shortest that no other has.
const site_names = [
  (site) => short_name(site.function),
  (site) => site.function,
  (site) => `${site.function} (${basename(site.location || site.module)})`,
].map((form) => data.sites.map(form));
function site_name(index) {
  if (index < 0) return "all other sites";
  const alone = (names) => names.indexOf(names[index]) === names.lastIndexOf(names[index]);
  return (site_names.find(alone) ?? site_names.at(-1))[index];
}

// The largest sites have one colour on all of the page; the others share what is left.
const palette = Array.from({ length: 12 }, (_, index) => `var(--c${index})`);
const large_sites = data.memory.by_site.map(({ site }) => site).filter((site) => site >= 0);
const site_colours = new Map(
  large_sites.map((site, index) => [site, palette[index % palette.length]]),
);

// Of `sites`, the first of them preferred: a Map of site to colour, all of them different.
function colours_of_sites(sites) {
  const chosen = new Map();
  for (const site of sites) if (site_colours.has(site)) chosen.set(site, site_colours.get(site));
  const free = palette.filter((colour) => ![...chosen.values()].includes(colour));
  for (const site of sites)
    if (!chosen.has(site))
      chosen.set(site, site < 0 ? "var(--other)" : (free.shift() ?? "var(--other)"));
  return chosen;
}

// For a canvas, which knows no variables.
function resolved(colour) {
  const style = getComputedStyle(document.documentElement);
  return colour.replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
}

// Calls `repaint` whenever the colours change: another scheme, or paper.
function when_colours_change(repaint) {
  for (const query of ["(prefers-color-scheme: dark)", "print"])
    matchMedia(query).addEventListener("change", repaint);
}

const swatch = (colour) => make("span", { class: "swatch", style: `background: ${colour}` });
