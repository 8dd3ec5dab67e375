// What is reached by keyboard, and what assistive technology is told.
import assert from "node:assert/strict";
import test from "node:test";
import { open, sample, shared } from "./open.mjs";

const data = sample();

test("Tab reaches every control in the order of the page, each with a focus that can be seen", async () => {
  const page = await open(data);
  const wanted = await page.evaluate(() => {
    const all = [
      ...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']"),
    ].filter((element) => element.checkVisibility());
    all.forEach((element, index) => (element.dataset.order = index));
    return all.length;
  });
  const reached = [];
  for (let i = 0; i < wanted; ++i) {
    await page.keyboard.press("Tab");
    reached.push(
      await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
        return outlined
          ? document.activeElement.dataset.order
          : `${document.activeElement.outerHTML} has no outline`;
      }),
    );
  }
  assert.deepEqual(
    reached,
    Array.from({ length: wanted }, (_, index) => String(index)),
  );
  assert.ok(wanted > 60, "which are many");
});

test("Arrow keys walk the flame graph, Enter zooms in and Escape out", async () => {
  const page = await shared();
  const now = () =>
    page.evaluate(() => {
      const { node } = document.activeElement;
      return {
        node: node.data,
        parent: node.parent?.data ?? -1,
        depth: node.depth,
        shown: document.querySelectorAll("[role=treeitem]").length,
      };
    });
  const press = async (key) => {
    await page.keyboard.press(key);
    return now();
  };
  await page.locator("[role=treeitem][tabindex='0']").focus();
  assert.equal((await now()).node, 0);
  const main = await press("ArrowDown");
  assert.equal(data.flame.parent[main.node], 0);
  const left = await press("ArrowDown");
  assert.equal(left.parent, main.node);
  const right = await press("ArrowRight");
  assert.equal(right.depth, left.depth);
  assert.notEqual(right.node, left.node);
  assert.ok(
    data.flame.calls[left.node] >= data.flame.calls[right.node],
    "the larger is to the left",
  );
  assert.equal((await press("ArrowLeft")).node, left.node);

  const zoomed = await press("Enter");
  assert.equal(zoomed.node, left.node);
  assert.equal(await page.locator(".crumbs li").count(), left.depth + 1);
  const box = await page.locator(":focus").boundingBox();
  assert.ok(
    Math.abs(box.width - (await page.locator(".flame").boundingBox()).width) < 4,
    "it has all of the width",
  );
  assert.equal((await press("ArrowUp")).node, main.node);
  await press("Escape");
  assert.equal((await press("Escape")).node, 0);
  assert.equal(await page.locator(".crumbs li").count(), 1);
});

test("A search marks what it finds in the flame graph, and says how much that is", async () => {
  const page = await shared();
  const { names, name, parent, calls } = data.flame;
  const hit = (node) => names[name[node]].includes("parse_string");
  const inside = (node) => parent[node] >= 0 && (hit(parent[node]) || inside(parent[node]));
  const all = [...name.keys()].filter(hit);
  const sum = all.filter((node) => !inside(node)).reduce((total, node) => total + calls[node], 0);
  await page.getByRole("searchbox", { name: "Search functions" }).fill("Parse_String");
  assert.equal(
    await page.locator("#flame [role=status]").textContent(),
    `${all.length} nodes, ${Math.round((100 * sum) / calls[0])} % of the calls`,
  );
  const marked = await page
    .locator(".flame .match")
    .evaluateAll((nodes) => nodes.map(({ node }) => node.data));
  assert.ok(marked.length > 0 && marked.every(hit));
  await page.getByRole("searchbox", { name: "Search functions" }).fill("");
  assert.equal(await page.locator(".flame .match").count(), 0);
});

test("The charts can be read out point by point", async () => {
  const page = await shared();
  await page.getByRole("button", { name: "by advice" }).click();
  const memory = page.getByRole("slider", { name: "Memory over time" });
  await memory.press("End");
  await memory.press("ArrowLeft");
  const point = data.memory.at.length - 2;
  const kib = (n) => `${(n / 1024).toFixed(1)} KiB`;
  const spoken = await memory.getAttribute("aria-valuetext");
  for (const { entry, live } of data.memory.by_entry)
    if (entry >= 0 && live[point] < 100 * 1024 && live[point] >= 1024)
      assert.ok(spoken.includes(kib(live[point])), spoken);
  assert.ok(spoken.includes("1 Region in server::handle_request"), spoken);
  assert.equal(await memory.getAttribute("aria-valuenow"), String(point));

  await page.getByRole("button", { name: "in events" }).click();
  await page.getByRole("button", { name: "blocks", exact: true }).click();
  const lifetimes = page.getByRole("slider", { name: "Lifetimes of blocks" });
  await lifetimes.press("Home");
  assert.match(
    await lifetimes.getAttribute("aria-valuetext"),
    /^age 0 events: [\d,]+ blocks; 1 Region in/,
  );
  await lifetimes.press("End");
  assert.match(await lifetimes.getAttribute("aria-valuetext"), /^never given back: 312 blocks;/);

  const epoch = page.getByRole("slider", { name: "Blocks of the epoch in server::handle_request" });
  await epoch.press("Home");
  await epoch.press("ArrowRight");
  assert.match(
    await epoch.getAttribute("aria-valuetext"),
    new RegExp(`^${data.entries[0].epoch.size[1]} bytes from `),
  );
});

test("Assistive technology finds landmarks, headings in order, and a name for all that can be used", async () => {
  const page = await shared();
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const all = nodes
    .filter((node) => !node.ignored)
    .map((node) => ({
      role: node.role?.value,
      name: node.name?.value ?? "",
      ...Object.fromEntries((node.properties ?? []).map(({ name, value }) => [name, value.value])),
    }));
  const of = (role) => all.filter((node) => node.role === role);

  for (const landmark of ["banner", "main", "contentinfo"])
    assert.equal(of(landmark).length, 1, landmark);
  const parts = of("region").map(({ name }) => name);
  for (const part of [
    "Overview",
    "Trial",
    "Advice",
    "Memory over time",
    "Lifetimes",
    "Where it allocates",
    "Sites",
  ])
    assert.ok(parts.includes(part), part);

  const levels = of("heading").map(({ level }) => level);
  assert.equal(levels[0], 1);
  levels
    .slice(1)
    .forEach((level, index) =>
      assert.ok(level > 1 && level <= levels[index] + 1, `heading ${index + 1}`),
    );

  for (const node of all)
    if (node.focusable && node.role !== "RootWebArea")
      assert.notEqual(node.name.trim(), "", JSON.stringify(node));
  assert.equal(of("tree").length, 1);
  for (const item of of("treeitem"))
    assert.ok(item.level >= 1 && / of the calls$/.test(item.name), item.name);
  assert.equal(of("slider").length, 2 + data.entries.filter(({ epoch }) => epoch).length);
  for (const table of of("table")) assert.notEqual(table.name, "");
});
