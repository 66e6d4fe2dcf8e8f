// The laboratory: sliders say their value, and a passage is marked in every list that has it.
const form = () => document.querySelector("[data-laboratory]");

function tell(slider) {
  const output = form()?.querySelector(`output[for="${slider.id}"]`);
  if (output) output.value = slider.value + (output.dataset.unit ?? "");
}

function mark(passage, isMarked) {
  for (const each of document.querySelectorAll(`[data-passage="${passage}"]`)) each.toggleAttribute("data-same", isMarked);
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-laboratory] input[type=range]")) tell(event.target);
});

for (const [begin, end] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
  document.addEventListener(begin, (event) => {
    const link = event.target.closest?.("[data-passage]");
    if (link) mark(link.dataset.passage, true);
  });
  document.addEventListener(end, (event) => {
    const link = event.target.closest?.("[data-passage]");
    if (link) mark(link.dataset.passage, false);
  });
}

// The browser keeps sliders where they were over a reload.
for (const slider of document.querySelectorAll("[data-laboratory] input[type=range]")) tell(slider);
