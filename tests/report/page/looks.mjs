// How the page looks: colours, widths, paper, and much data.
import assert from "node:assert/strict";
import test from "node:test";
import { open, sample, shared } from "./open.mjs";

// The texts whose contrast to what is behind them is below what WCAG AA asks for.
const faint_texts = () => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      known.set(colour, [...canvas.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(colour);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((c) =>
      c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = rgba(getComputedStyle(element).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (
      walker.currentNode.textContent.trim() === "" ||
      !element.checkVisibility({ opacityProperty: true })
    )
      continue;
    const style = getComputedStyle(element);
    const colour = rgba(element instanceof SVGElement ? style.fill : style.color);
    if (colour[3] === 0) continue; // not shown
    const [light, dark] = [luminance(colour), luminance(behind(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const large =
      parseFloat(style.fontSize) >= 24 ||
      (parseFloat(style.fontSize) >= 18.66 && +style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5))
      faint.add(`${walker.currentNode.textContent.trim()}: ${ratio.toFixed(2)}`);
  }
  return [...faint];
};

for (const scheme of ["light", "dark"])
  test(`All text can be read in the ${scheme} scheme, in a search, too`, async () => {
    const page = await shared();
    await page.emulateMedia({ colorScheme: scheme });
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(Number(background.match(/\d+/)[0]) < 128, scheme === "dark");
    assert.deepEqual(await page.evaluate(faint_texts), []);
    await page.getByRole("searchbox", { name: "Search functions" }).fill("parse");
    assert.deepEqual(await page.evaluate(faint_texts), []);
    await page.getByRole("searchbox", { name: "Search functions" }).fill("");
  });

test("Charts take the colours of another scheme at once", async () => {
  const page = await shared();
  const painted = async (colorScheme, chart) => {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    return page.locator(`${chart} canvas`).evaluate((canvas) => canvas.toDataURL());
  };
  for (const chart of ["#memory", "#lifetimes"]) {
    const light = await painted("light", chart);
    assert.notEqual(await painted("dark", chart), light);
    assert.equal(await painted("light", chart), light);
  }
});

test("From 400 to 2560 pixels everything has room", async () => {
  const page = await shared();
  for (const width of [400, 760, 1280, 1920, 2560]) {
    await page.setViewportSize({ width, height: 900 });
    // Charts follow one frame later.
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".uplot")].every(
        (chart) =>
          Math.abs(chart.getBoundingClientRect().width - chart.parentElement.clientWidth) < 1,
      ),
    );
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(beyond <= 0, `at ${width}: ${beyond} pixels too wide`);
    const hidden = await page
      .locator("main > section")
      .evaluateAll((parts) =>
        parts.filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.id),
      );
    assert.deepEqual(hidden, [], `at ${width}`);
  }
});

test("Nothing moves by itself for those who ask for that", async () => {
  const page = await shared();
  const behaviour = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior);
  await page.emulateMedia({ reducedMotion: "no-preference" });
  assert.equal(await behaviour(), "smooth");
  await page.emulateMedia({ reducedMotion: "reduce" });
  assert.equal(await behaviour(), "auto");
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
});

test("On paper it is light, has no controls, and all sites", async () => {
  const page = await shared();
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  assert.deepEqual(await page.evaluate(faint_texts), []);
  for (const control of await page.getByRole("button").all())
    if (!(await control.evaluate((button) => button.matches(".sites *, .crumbs *"))))
      assert.equal(await control.isVisible(), false);
  assert.ok(await page.locator("#sites tbody tr").last().isVisible());
  assert.equal(
    await page.locator(".sites").evaluate((box) => box.scrollHeight > box.clientHeight),
    false,
  );
  await page.emulateMedia({ media: null, colorScheme: null });
});

test("Much data is drawn, but for what is too narrow to be seen", async () => {
  const much = sample();
  const nodes = 5000;
  const tree = { names: [], parent: [], name: [], location: [], calls: [], bytes: [], entry: [] };
  for (let node = 0; node < nodes; ++node) {
    tree.names.push(
      `space::Class<std::map<std::string, int>, ${node}>::call(std::vector<int> const&)`,
    );
    tree.parent.push(node === 0 ? -1 : node % 3 === 0 ? node - 1 : node >> 1);
    tree.name.push(node);
    tree.location.push(-1);
    tree.calls.push(0);
    tree.bytes.push(0);
    tree.entry.push((node % 5) - 1);
  }
  // Each has what is below it, and some by itself.
  for (let node = nodes - 1; node >= 0; --node) {
    tree.calls[node] += 1 + (node % 7);
    tree.bytes[node] += 64 * (1 + (node % 5));
    if (node > 0) {
      tree.calls[tree.parent[node]] += tree.calls[node];
      tree.bytes[tree.parent[node]] += tree.bytes[node];
    }
  }
  much.flame = tree;
  const page = await open(much);
  assert.equal((await page.locator("#flame > p").first().textContent()).split(" ")[0], "5,000");
  const widths = await page
    .locator("[role=treeitem]")
    .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().width));
  assert.ok(widths.length > 100 && widths.length < nodes);
  assert.ok(Math.min(...widths) > 1.9);
  assert.match(await page.locator("[role=treeitem]").nth(1).textContent(), /^space::Class::call$/);
  assert.deepEqual(page.complaints, []);
});

test("After all of that, the page has asked for nothing, and complained of nothing", async () => {
  const page = await shared();
  assert.deepEqual(page.requests, [page.url_of_file]);
  assert.deepEqual(page.complaints, []);
});
