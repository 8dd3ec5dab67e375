// Opens the page with some data in a browser, and watches what goes wrong there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { ALLOT_CHROMIUM, ALLOT_PACKAGES, ALLOT_PAGE, ALLOT_SAMPLE, ALLOT_SCRATCH } = process.env;
const { chromium } = createRequire(import.meta.url)(join(ALLOT_PACKAGES, "playwright-core"));

export const sample = () => JSON.parse(readFileSync(ALLOT_SAMPLE, "utf8"));

const folder = mkdtempSync(join(ALLOT_SCRATCH, "pages-"));
const template = readFileSync(ALLOT_PAGE, "utf8");
let written = 0;
const browser = chromium.launch({
  executablePath: ALLOT_CHROMIUM,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

export async function stop() {
  await (await browser).close();
  rmSync(folder, { recursive: true, force: true });
}

// `page.requests` is what it asked for, `page.complaints` what the console or a script said.
export async function open(data) {
  const file = join(folder, `${++written}.html`);
  writeFileSync(
    file,
    template.replace("<!--DATA-->", () => JSON.stringify(data).replaceAll("<", "\\u003c")),
  );
  const context = await (
    await browser
  ).newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: "reduce", // which would be waited for
  });
  const page = await context.newPage();
  page.url_of_file = pathToFileURL(file).href;
  page.requests = [];
  page.complaints = [];
  page.on("request", (request) => page.requests.push(request.url()));
  page.on("console", (message) => page.complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => page.complaints.push(error.stack));
  await page.goto(page.url_of_file);
  return page;
}

// The sample's page, for tests that leave it as others need it.
let opened = null;
export const shared = () => (opened ??= open(sample()));
