// Asks for new events of the audit log while its switch is on and the page is seen.
const EVERY_MS = 2000;
const ROWS_MAXIMUM = 500;
const NEW_MS = 4000;

const tail = () => document.querySelector("[data-tail]");
const isOn = () => Boolean(document.querySelector("[data-tail-switch]:checked"));
const rows = () => document.getElementById("audit-rows");

function seen() {
  const moments = [...rows().querySelectorAll("tr[data-at]")].map((row) => row.dataset.at);
  return moments.reduce((last, at) => (Date.parse(at) > Date.parse(last) ? at : last), tail().dataset.tailSince);
}

function ask() {
  if (isOn() && !document.hidden) htmx.trigger(tail(), "tail");
}

function reveal() {
  for (const label of document.querySelectorAll("[data-tail-label][hidden]")) label.hidden = false;
}

setInterval(ask, EVERY_MS);
document.addEventListener("visibilitychange", ask);
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tail-switch]")) ask();
});
// Another search brings another switch, which is off.
document.addEventListener("htmx:afterSettle", reveal);
reveal();

document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.matches("[data-tail]")) event.detail.parameters.set("seen", seen());
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.requestConfig?.elt.matches("[data-tail]") || event.detail.isError) return;
  const answer = document.createElement("template");
  answer.innerHTML = event.detail.serverResponse;
  // What became visible late is asked for again together with its neighbours.
  for (const row of answer.content.querySelectorAll("tr[id]")) if (document.getElementById(row.id)) row.remove();
  const fresh = answer.content.querySelectorAll("tr[id]");
  if (!fresh.length) {
    event.detail.shouldSwap = false;
    return;
  }
  for (const row of fresh) row.dataset.tailNew = "";
  event.detail.serverResponse = answer.innerHTML;
  document.querySelector("[data-tail-news]").textContent = `${fresh.length} new event${fresh.length > 1 ? "s" : ""}`;
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target !== rows()) return;
  setTimeout(() => {
    for (const row of document.querySelectorAll("[data-tail-new]")) delete row.dataset.tailNew;
  }, NEW_MS);
  for (const row of [...rows().querySelectorAll("tr[data-at]")].slice(ROWS_MAXIMUM)) row.remove();
});

// An answer that failed would fail every two seconds.
for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(name, (event) => {
    if (event.detail.requestConfig?.elt.matches("[data-tail]")) document.querySelector("[data-tail-switch]").checked = false;
  });
}
