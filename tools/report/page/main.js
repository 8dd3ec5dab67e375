// The page, part by part.

show_overview();
show_trial();
show_advice();
show_memory();
show_lifetimes();
show_flame();
show_sites();

// Which part is being looked at: the first of those near the top.
const parts = [...document.querySelectorAll("main > section")];
const links = [...document.querySelectorAll("header nav a")];
const near = new Set();
const watch = new IntersectionObserver(
  (changes) => {
    for (const { target, isIntersecting } of changes)
      if (isIntersecting) near.add(target);
      else near.delete(target);
    const first = parts.findIndex((part) => near.has(part));
    if (first >= 0)
      links.forEach((link, index) =>
        index === first
          ? link.setAttribute("aria-current", "true")
          : link.removeAttribute("aria-current"),
      );
  },
  { rootMargin: "-20% 0px -70% 0px" },
);
for (const part of parts) watch.observe(part);
