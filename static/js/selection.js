// Rows that are chosen together: one box for all that are shown, and how many are chosen, said aloud.
const count = document.querySelector("[data-select-count]");

function boxes() {
  return [...document.querySelectorAll("[data-select-one]")];
}

function show() {
  const chosen = boxes().filter((box) => box.checked).length;
  const words = chosen ? `${chosen} selected` : count.dataset.none;
  // Only news is said: the region must not repeat itself after each swap.
  if (count.textContent !== words) count.textContent = words;
  count.toggleAttribute("data-some", chosen > 0);
  const all = document.querySelector("[data-select-all]");
  if (!all) return;
  all.checked = chosen > 0 && chosen === boxes().length;
  all.indeterminate = chosen > 0 && !all.checked;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-all]")) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.matches("[data-select-all], [data-select-one]")) show();
});

document.addEventListener("htmx:afterSettle", show);
show();
