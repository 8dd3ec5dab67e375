// What would help, by how much; or leave it.

// As a shell would take it.
const command = (data.program.arguments.length ? data.program.arguments : [data.program.path])
  .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
  .join(" ");
const trial = data.trial;

const interval = ({ low, high }) => `${signed(low)} to ${signed(high)} %`;

// The other malloc that gains most, if the trial is sure that it gains.
function best_malloc() {
  return Object.entries(trial?.alternatives ?? {})
    .map(([name, result]) => ({ name, ...result }))
    .filter(({ decided, gain }) => decided && gain.low > 0)
    .sort((a, b) => b.gain.mid - a.gain.mid)[0];
}

function tried_verdict() {
  const whole = trial.trial;
  const malloc = best_malloc();
  const helps = whole?.decided && whole.gain.low > 0;
  const of_malloc =
    malloc &&
    `${malloc.name} makes it ${decimal(malloc.gain.mid, 1)} % faster ` +
      `(${interval(malloc.gain)}; peak memory ${signed(malloc.memory)} %), and needs no change of the source.`;
  const of_advice =
    helps &&
    `The advice makes it at least ${decimal(whole.gain.mid, 1)} % faster ` +
      `(${interval(whole.gain)}); ${decimal(whole.expected, 1)} % are expected when it is written by hand. ` +
      `Peak memory: ${signed(whole.memory)} %.`;
  // Where the two can't be told apart, what costs nothing to do comes first.
  if (malloc && (!helps || malloc.gain.high >= whole.gain.mid))
    return {
      title: `Try ${malloc.name} first`,
      lines: [of_malloc, of_advice || (whole && `The advice changes ${interval(whole.gain)}.`)],
    };
  if (helps)
    return {
      title:
        entries.length === 1
          ? `${what_and_where(entries[0], short_name)}: ` +
            `at least ${decimal(whole.gain.mid, 1)} % faster`
          : `At least ${decimal(whole.gain.mid, 1)} % faster with the advice`,
      lines: [of_advice, of_malloc],
    };
  if (whole && !whole.decided)
    return {
      title: "Undecided at this noise",
      lines: [
        `${plural(trial.rounds, "round")} can't tell what the advice changes: ${interval(whole.gain)}. ` +
          "More rounds, or a quieter machine, can.",
      ],
    };
  return {
    title: "Leave it as it is",
    lines: [
      whole
        ? `Tried, the advice changes ${interval(whole.gain)} of the processor time, which is not worth the work.`
        : "What was found is not worth the work.",
    ],
  };
}

function verdict() {
  const { malloc_at_most: at_most, calls_per_cpu_second: rate } = data.program;
  const bound =
    rate > 0
      ? `${count(rate)} allocations in a second of processor time; ` +
        `malloc and free are an estimated ${decimal(at_most, 1)} % of it.`
      : "How much processor time it took is not known, and so what malloc and free are of it.";
  if (trial) {
    const tried = tried_verdict();
    return { ...tried, lines: [...tried.lines, bound] };
  }
  if (entries.length === 0)
    return {
      title: "Leave it as it is",
      lines: [
        bound,
        rate > 0 && at_most < 10
          ? "Nothing in how it allocates would be worth the work of changing it: " +
            "its time goes elsewhere, and a profiler tells where."
          : "No pattern was found among its blocks that a strategy would serve.",
        "The pictures below show what there is all the same.",
      ],
    };
  const { kind, share_of_calls } = entries[0];
  return {
    title:
      kind === "other_malloc"
        ? "Worth trying: another malloc"
        : `Worth trying: ${what_and_where(entries[0], short_name)}`,
    lines: [
      `It is about ${percent(share_of_calls)} of the allocations: ${kinds[kind].what}. ` +
        "Whether that makes it faster only a trial tells.",
      bound,
    ],
  };
}

function ranked(entry, index) {
  const tried = trial?.advice[entry.trial]?.trial;
  return make(
    "li",
    {},
    swatch(entry_colour(index)),
    make("a", { class: "name", href: `#entry-${index + 1}` }, entry_name(index)),
    make("span", { class: "number soft" }, `${percent(entry.share_of_calls)} of the calls`),
    make(
      "span",
      { class: "number" },
      !tried ? "" : tried.decided ? `≥ ${signed(tried.gain.mid)} %` : "undecided",
    ),
  );
}

function show_overview() {
  const program = data.program;
  const { title, lines } = verdict();
  document.title = `${basename(program.path)}: ${title} - allot report`;
  const fact = (name, value, more) =>
    make(
      "div",
      {},
      make("dt", {}, name),
      make("dd", {}, value, more ? make("small", {}, more) : null),
    );
  const notes = [
    program.cut_short && "The trace has no end: the program or the recording was cut short.",
    program.processor_seconds > 0 &&
      program.processor_seconds < 0.05 &&
      `It ran for ${seconds(program.processor_seconds)} of processor time only: what takes longer tells more.`,
    program.without_names.length > 0 &&
      `Without names, as they have changed since: ${program.without_names.join(", ")}.`,
    program.unknown > 0 &&
      `${plural(program.unknown, "block")} came from where the recorder does not see.`,
  ].filter(Boolean);

  section(
    "overview",
    "Overview",
    make(
      "div",
      { class: "verdict" },
      make("p", { class: "command", title: command }, make("code", {}, command)),
      make("h1", {}, title),
      lines.filter(Boolean).map((line) => make("p", {}, line)),
    ),
    entries.length
      ? make(
          "ol",
          { class: "ranking", "aria-label": "The advice, best first" },
          entries.map(ranked),
        )
      : null,
    make(
      "dl",
      { class: "facts" },
      fact(
        "Allocations",
        count(program.calls),
        `${bytes(program.bytes)}, ${plural(program.reallocations, "reallocation")}`,
      ),
      program.calls_per_cpu_second > 0
        ? fact(
            "A CPU second",
            count(program.calls_per_cpu_second),
            `${decimal(program.pair_ns, 1)} ns for malloc and free here`,
          )
        : null,
      program.calls_per_cpu_second > 0
        ? fact(
            "malloc and free",
            `~ ${decimal(program.malloc_at_most, 1)} %`,
            "of the processor time",
          )
        : null,
      fact(
        "Most live bytes",
        bytes(program.peak_bytes),
        program.peak_resident > 0 ? `${bytes(program.peak_resident)} resident` : null,
      ),
      fact("Never given back", bytes(program.left_bytes), plural(program.left_blocks, "block")),
      program.processor_seconds > 0
        ? fact(
            "Processor time",
            seconds(program.processor_seconds),
            `in ${seconds(program.seconds)}; ${program.status || "its end is not known"}`,
          )
        : null,
      fact(
        "Threads",
        grouped(program.threads),
        `${plural(program.foreign, "block")} freed by another`,
      ),
    ),
    notes.length
      ? make(
          "ul",
          { class: "notes" },
          notes.map((note) => make("li", {}, note)),
        )
      : null,
  );
}
