// What the page shows: the figures of its data, and nothing from elsewhere.
import assert from "node:assert/strict";
import test from "node:test";
import { open, sample, shared } from "./open.mjs";

const data = sample();
test("The page asks for nothing but itself, and complains of nothing", async () => {
  const page = await shared();
  assert.deepEqual(page.requests, [page.url_of_file]);
  assert.deepEqual(page.complaints, []);
});

test("The page forbids itself to load anything", async () => {
  const page = await open(data);
  const refused = await page.evaluate(async () => {
    const directives = [];
    addEventListener("securitypolicyviolation", (event) =>
      directives.push(event.effectiveDirective),
    );
    const added = (tag, src) =>
      new Promise((settled) => {
        const element = document.createElement(tag);
        Object.assign(element, { src, onload: settled, onerror: settled });
        document.body.append(element);
      });
    await Promise.all([
      added("img", "picture.png"),
      added("script", "script.js"),
      fetch("data.json").catch(() => {}),
    ]);
    // What was refused is told by then, too.
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return directives.sort();
  });
  assert.deepEqual(refused, ["connect-src", "img-src", "script-src-elem"]);
});

test("The verdict comes first, with what another malloc and the advice gain", async () => {
  const page = await shared();
  assert.equal(await page.locator("h1").textContent(), "Try mimalloc first");
  const text = await page.locator(".verdict").textContent();
  assert.match(
    text,
    /mimalloc makes it 6\.6 % faster \(\+5\.2 to \+7\.9 %; peak memory \+4\.8 %\)/,
  );
  assert.match(text, /at least 7\.4 % faster \(\+6\.1 to \+8\.8 %\); 9\.9 % are expected/);
  assert.match(text, /malloc and free are an estimated 18\.4 % of it/);
});

test("The advice is the verdict where other mallocs gain clearly less", async () => {
  const better = sample();
  better.trial.alternatives.mimalloc.gain = { low: 1, mid: 2, high: 3 };
  const page = await open(better);
  assert.equal(await page.locator("h1").textContent(), "At least 7.4 % faster with the advice");
});

test("A trial that can't tell is said to be undecided", async () => {
  const undecided = sample();
  undecided.trial.trial = {
    gain: { low: -3.1, mid: 1.2, high: 5.4 },
    expected: 2.2,
    memory: 0.4,
    decided: false,
  };
  undecided.trial.alternatives = {};
  const page = await open(undecided);
  assert.equal(await page.locator("h1").textContent(), "Undecided at this noise");
  assert.match(
    await page.locator(".verdict").textContent(),
    /24 rounds can't tell what the advice changes: −3\.1 to \+5\.4 %/,
  );
});

test("Without a trial the page says how to get one", async () => {
  const untried = sample();
  untried.trial = null;
  for (const entry of untried.entries) entry.trial = -1;
  const page = await open(untried);
  assert.equal(
    await page.locator("h1").textContent(),
    "Worth trying: Region in server::handle_request",
  );
  assert.match(
    await page.locator("#trial code").textContent(),
    /^allot advise --report report\.html -- server --once 'requests <\/script> "txt"'$/,
  );
  assert.deepEqual(page.complaints, []);
});

test("Where nothing is worth doing, the page says to leave it, and shows what there is", async () => {
  const left = sample();
  left.trial = null;
  left.program.malloc_at_most = 0.9;
  left.entries = [
    {
      ...left.entries[0],
      kind: "leave",
      function: "",
      location: "",
      epoch: null,
      trial: -1,
      lines: "",
    },
  ];
  left.memory.by_entry = [{ entry: -1, live: left.memory.live }];
  for (const clock of ["events", "bytes"]) left.lifetimes[clock] = left.lifetimes[clock].slice(-1);
  left.flame.entry.fill(-1);
  for (const site of left.sites) site.entry = -1;
  const page = await open(left);
  assert.equal(await page.locator("h1").textContent(), "Leave it as it is");
  assert.deepEqual(
    await page.locator("main > section").evaluateAll((parts) => parts.map((part) => part.id)),
    ["overview", "memory", "lifetimes", "flame", "sites"],
  );
  assert.deepEqual(page.complaints, []);
});

test("A program that allocates nothing has a page, too", async () => {
  const none = sample();
  for (const [key, value] of Object.entries(none.program))
    if (typeof value === "number") none.program[key] = 0;
  none.trial = null;
  none.entries = [
    {
      ...none.entries[0],
      kind: "leave",
      function: "",
      location: "",
      epoch: null,
      trial: -1,
      lines: "",
    },
  ];
  none.memory = { unit: "events", at: [], live: [], by_entry: [], by_site: [] };
  none.lifetimes = { events: [], bytes: [], scopes: [], other_scopes: 0, no_scope: 0 };
  for (const column of Object.keys(none.flame)) none.flame[column] = [];
  Object.assign(none, { sites: [], more_sites: 0, more_calls: 0, more_bytes: 0 });
  const page = await open(none);
  assert.equal(await page.locator("h1").textContent(), "Leave it as it is");
  assert.doesNotMatch(await page.locator("main").textContent(), /NaN|undefined|Infinity/);
  assert.deepEqual(page.complaints, []);
});

test("The trial lists every way with its interval, and marks what is a lower bound", async () => {
  const page = await shared();
  const rows = await page
    .locator(".trial tbody tr")
    .evaluateAll((rows) =>
      rows.map((row) =>
        [...row.cells].filter((cell) => cell.className !== "drawn").map((cell) => cell.textContent),
      ),
    );
  assert.deepEqual(rows, [
    ["The whole advice", "≥ +7.4 %", "+6.1 to +8.8 %", "+9.9 %", "+1.2 %"],
    ["1 Region in server::handle_request", "≥ +6.2 %", "+4.9 to +7.4 %", "+8.7 %", "+1.1 %"],
    [
      "2 BlockPool in cache::Entry::store",
      "+0.4 % undecided",
      "−0.6 to +1.5 %",
      "+1.9 %",
      "−0.1 %",
    ],
    ["mimalloc", "+6.6 %", "+5.2 to +7.9 %", "as measured", "+4.8 %"],
    ["jemalloc", "+0.9 % undecided", "−0.4 to +2.1 %", "as measured", "+11.2 %"],
  ]);
});

test("A trial's dots stand where their gains are", async () => {
  const page = await shared();
  const dots = await page.locator(".trial tbody circle").evaluateAll((all) =>
    all.map((dot) => {
      const box = dot.getBoundingClientRect();
      return box.x + box.width / 2;
    }),
  );
  const zero = await page
    .locator(".trial tbody tr:first-child line[stroke='var(--ink)']")
    .first()
    .evaluate((line) => line.getBoundingClientRect().x);
  const gains = [7.4, 6.2, 0.4, 6.6, 0.9];
  const point = (dots[0] - zero) / gains[0];
  dots.forEach((dot, index) =>
    assert.ok(Math.abs(dot - zero - gains[index] * point) < 1.5, `dot ${index}`),
  );
});

test("Each entry has a card with its figures, and the lines to write", async () => {
  const page = await shared();
  assert.equal(await page.locator(".card").count(), data.entries.length);
  for (const [index, entry] of data.entries.entries()) {
    const card = page.locator(".card").nth(index);
    assert.equal(await card.locator(".patch code").textContent(), entry.lines.trimEnd());
    assert.match(
      await card.locator("h3").textContent(),
      new RegExp(`^${index + 1} .*${entry.function}$`),
    );
    assert.equal(await card.locator("figure").count(), entry.epoch ? 1 : 0);
  }
  assert.match(await page.locator(".card").first().textContent(), /20,000.*calls an epoch156/);
});

test("The lines to write can be copied, or are selected where that is not allowed", async () => {
  const page = await shared();
  const button = page.getByRole("button", { name: "Copy lines of entry 1" });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await button.click();
  await page.getByText("Copied", { exact: true }).waitFor();
  assert.equal(
    await page.evaluate(() => navigator.clipboard.readText()),
    data.entries[0].lines.trimEnd(),
  );

  await page.evaluate(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error("no"));
  });
  await button.click();
  await page.getByText("Selected", { exact: true }).waitFor();
  assert.equal(
    await page.evaluate(() => getSelection().toString().trimEnd()),
    data.entries[0].lines.trimEnd(),
  );
});
