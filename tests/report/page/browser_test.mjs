// The page of `allot report` in headless Chromium. ALLOT_... say where everything is: CMakeLists.txt.
import { after } from "node:test";
import { stop } from "./open.mjs";

after(stop);

await import("./shows.mjs");
await import("./tables.mjs");
await import("./reached.mjs");
await import("./looks.mjs");
