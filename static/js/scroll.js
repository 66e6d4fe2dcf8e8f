// The thread stays at its end while the reader is at its end; else a button leads there.
const NEAR_PIXELS = 48;
const scroller = document.querySelector("[data-scroll]");
const jump = document.querySelector("[data-jump]");
let isAtEnd = true;

function toEnd() {
  isAtEnd = true;
  scroller.scrollTop = scroller.scrollHeight;
}

function look() {
  isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PIXELS;
  jump.hidden = isAtEnd;
}

if (scroller && jump) {
  const thread = scroller.querySelector("[data-thread]");
  scroller.addEventListener("scroll", look, { passive: true });
  jump.addEventListener("click", toEnd);
  new ResizeObserver(() => (isAtEnd ? toEnd() : look())).observe(thread);
  new ResizeObserver(() => isAtEnd && toEnd()).observe(scroller);
  document.addEventListener("htmx:afterSwap", (event) => {
    // Whoever sends a question wants to see the answer.
    if (event.detail.requestConfig?.elt?.matches?.("[data-composer]")) toEnd();
  });
  toEnd();
}
