// Escape gives up renaming; the item comes back as it was.
document.addEventListener("keydown", (event) => {
  const input = event.target.closest?.("[data-rename]");
  if (!input || event.key !== "Escape") return;
  event.preventDefault();
  const item = input.closest(".conversation");
  htmx.ajax("GET", input.dataset.rename, { target: item, swap: "outerHTML" });
});

// The whole title is marked, so that typing replaces it.
document.addEventListener("focusin", (event) => event.target.matches("[data-rename]") && event.target.select());
