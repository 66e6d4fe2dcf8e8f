// The box for questions: grows, sends on Enter, keeps the draft until the server has the question.
const coarse = matchMedia("(pointer: coarse)");
const growsItself = CSS.supports("field-sizing", "content");

function form() {
  return document.querySelector("[data-composer]");
}

function textOf(composer) {
  return composer.querySelector("[data-composer-text]");
}

function draftKey(composer) {
  return `draft:${composer.dataset.composer}`;
}

function draftRead(composer) {
  try {
    return localStorage.getItem(draftKey(composer)) ?? "";
  } catch {
    return "";
  }
}

function draftWrite(composer, value) {
  try {
    if (value) localStorage.setItem(draftKey(composer), value);
    else localStorage.removeItem(draftKey(composer));
  } catch {
    // Storage is full or forbidden: the text stays in the box only.
  }
}

function refresh(composer) {
  const text = textOf(composer);
  composer.querySelector("[data-send]").disabled = !text.value.trim();
  if (growsItself) return;
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

function isBusy() {
  return document.querySelector("[data-stream]") !== null;
}

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-composer-text]")) return;
  draftWrite(event.target.form, event.target.value);
  refresh(event.target.form);
});

document.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-composer-text]") || event.key !== "Enter") return;
  if (event.shiftKey || event.isComposing || coarse.matches) return;
  event.preventDefault();
  if (event.target.value.trim() && !isBusy()) event.target.form.requestSubmit();
});

document.addEventListener("click", (event) => {
  const starter = event.target.closest("[data-starter]");
  if (!starter) return;
  const composer = form();
  textOf(composer).value = starter.dataset.starter;
  draftWrite(composer, starter.dataset.starter);
  composer.requestSubmit();
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches("[data-composer]")) event.target.dataset.sent = textOf(event.target).value;
});

document.addEventListener("htmx:afterRequest", (event) => {
  const composer = event.target;
  if (!composer.matches?.("[data-composer]")) return;
  const { status } = event.detail.xhr;
  if (status < 200 || status >= 300) return;
  const text = textOf(composer);
  if (text.value === composer.dataset.sent) text.value = "";
  draftWrite(composer, text.value);
  refresh(composer);
});

const composer = form();
if (composer) {
  const text = textOf(composer);
  if (!text.value) text.value = draftRead(composer);
  refresh(composer);
  if (!coarse.matches) text.focus();
}
