// The tables of the page have all of the data that the pictures show.
import assert from "node:assert/strict";
import test from "node:test";
import { open, sample, shared } from "./open.mjs";

const data = sample();
const { format: grouped } = new Intl.NumberFormat("en");

// The cells of the table below a summary, without the heads.
async function table(page, part, summary) {
  const details = page.locator(`${part} details`, { hasText: summary }).first();
  await details.locator("summary").click();
  await details.locator("tbody tr").first().waitFor({ state: "attached" });
  const cells = await details
    .locator("tbody")
    .evaluate((body) =>
      [...body.rows].map((row) => [...row.cells].map((cell) => cell.textContent)),
    );
  await details.locator("summary").click();
  return cells;
}

test("An epoch's picture has a bar for each block, and marks each that lives on", async () => {
  const page = await shared();
  const epoch = data.entries[0].epoch;
  const figure = page.locator(".card").first().locator("figure");
  assert.equal(await figure.locator("rect[data-index]").count(), epoch.birth.length);
  assert.equal(
    await figure.locator(".chart .escape").count(),
    epoch.outlives.filter((lives_on) => lives_on).length,
  );
  const names = data.sites.map((site) => site.function);
  const cells = await table(page, ".card:first-child", "Blocks of the epoch");
  assert.deepEqual(
    cells.map((row) => [row[0], row[1], row[2], row[4]]),
    epoch.birth.map((birth, i) => [
      grouped(birth),
      epoch.outlives[i] ? "lives on" : grouped(epoch.death[i]),
      grouped(epoch.size[i]),
      epoch.own[i] ? "yes" : "no",
    ]),
  );
  cells.forEach((row, i) =>
    epoch.site[i] < 0
      ? assert.equal(row[3], "all other sites")
      : assert.ok(names[epoch.site[i]].startsWith(row[3].split("<")[0])),
  );
});

test("The table of memory has all of the data, by entries and by sites", async () => {
  const page = await shared();
  for (const [button, rows] of [
    ["by advice", data.memory.by_entry],
    ["by site", data.memory.by_site],
  ]) {
    await page.getByRole("button", { name: button }).click();
    const cells = await table(page, "#memory", "Live bytes");
    assert.deepEqual(
      cells.map((row) => row.slice(1)),
      data.memory.at.map((_, point) => [
        grouped(data.memory.live[point]),
        ...rows.map((row) => grouped(row.live[point])),
      ]),
    );
  }
});

test("The table of lifetimes has all of the data, in events and in bytes", async () => {
  const page = await shared();
  for (const [clock, measure] of [
    ["events", "blocks"],
    ["bytes", "bytes"],
  ]) {
    await page.getByRole("button", { name: `in ${clock}` }).click();
    await page.getByRole("group", { name: "Count" }).getByRole("button", { name: measure }).click();
    const rows = data.lifetimes[clock];
    const cells = await table(page, "#lifetimes", "by age");
    const bins = cells.length - 1;
    assert.deepEqual(
      cells.map((row) => row.slice(2)),
      cells.map((_, bin) =>
        rows.map((row) => grouped(bin < bins ? row[measure][bin] : row[`left_${measure}`])),
      ),
    );
    for (const row of rows)
      assert.ok(
        row[measure].slice(bins).every((n) => n === 0),
        "what is left out is empty",
      );
  }
});

test("The table of the flame graph has every node", async () => {
  const page = await shared();
  const { names, name, calls, bytes } = data.flame;
  const cells = await table(page, "#flame", "The flame graph");
  const of = (rows) => rows.map((row) => row.join(" ")).sort();
  assert.deepEqual(
    of(cells.map((row) => [row[0], row[3], row[4]])),
    of(name.map((index, node) => [names[index], grouped(calls[node]), grouped(bytes[node])])),
  );
});

test("What the trial saw stands beside what was predicted, and what outgrew it is told", async () => {
  const grown = sample();
  Object.assign(grown.trial.advice[1].seen, { foreign: 7, outgrown: true });
  const page = await open(grown);
  const cells = await table(page, "#trial", "What was predicted");
  const pool = "2 BlockPool in cache::Entry::store";
  assert.deepEqual(
    cells.filter((row) => row[0] === pool && row[1] !== "bytes at most"),
    [
      [pool, "calls", "900,000", "899,120"],
      [pool, "blocks freed by another thread", "0", "7"],
    ],
  );
  assert.equal(
    await page.locator("#trial .warn").textContent(),
    `${pool}: it outgrew its prediction tenfold.`,
  );
});

test("The sites can be sorted and filtered", async () => {
  const page = await shared();
  const column = (index) =>
    page
      .locator("#sites tbody")
      .evaluate(
        (body, index) => [...body.rows].map((row) => row.cells[index].innerText.split("\n")[0]),
        index,
      );
  const by = (key) =>
    [...data.sites].sort((a, b) => b[key] - a[key]).map((site) => grouped(site[key]));
  assert.deepEqual(await column(2), by("calls"));
  const left = page.getByRole("button", { name: "Left" });
  await left.click();
  assert.deepEqual(await column(7), by("left"));
  assert.equal(await left.locator("xpath=..").getAttribute("aria-sort"), "descending");
  await left.click();
  assert.deepEqual(await column(7), by("left").reverse());

  await page.getByRole("searchbox", { name: "Filter sites" }).fill("PARSE_STRING");
  const some = data.sites.filter((site) => site.function.includes("parse_string"));
  assert.deepEqual((await column(0)).sort(), some.map((site) => site.function).sort());
  assert.equal(
    await page.locator("#sites [role=status]").textContent(),
    `${some.length} of ${data.sites.length} sites`,
  );
});
