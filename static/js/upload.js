// Uploads by button, by dropping files anywhere on the page, with progress; a few files at a time.
const AT_ONCE = 2;
const form = document.querySelector("[data-upload]");
const waiting = [];
let running = 0;
let dragDepth = 0;

function megabytes(bytes) {
  return `${Math.round(bytes / 1048576)} MB`;
}

function refusal(file) {
  const { maxBytes, types } = form.dataset;
  const extension = file.name.toLowerCase().replace(/^.*(?=\.)/, "");
  if (!types.split(",").includes(extension)) return `This type is not supported. Supported are ${types.replaceAll(",", " ")}.`;
  if (file.size > Number(maxBytes)) return `The file is larger than ${megabytes(maxBytes)}.`;
  if (file.size === 0) return "The file is empty.";
  return "";
}

function row(file) {
  const item = document.getElementById("upload-template").content.firstElementChild.cloneNode(true);
  item.querySelector(".upload-name").textContent = file.name;
  document.getElementById("uploads").append(item);
  item.querySelector("[data-upload-dismiss]").addEventListener("click", () => item.remove());
  return item;
}

function fail(item, sentence) {
  item.dataset.state = "failed";
  item.querySelector("progress").remove();
  item.querySelector(".upload-state").textContent = sentence;
  item.querySelector("[data-upload-dismiss]").hidden = false;
}

function sentenceOf(request) {
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  const said = page.querySelector(".toast span, .field-error")?.textContent.trim();
  return said || (request.status === 413 ? "The file is too large for this server." : "The upload failed. Please try again.");
}

function finish(request, item) {
  if (request.status >= 400 || request.status === 0) return fail(item, sentenceOf(request));
  item.remove();
  const target = document.querySelector(form.dataset.uploadTarget);
  htmx.swap(target, request.responseText, { swapStyle: form.dataset.uploadSwap, swapDelay: 0, settleDelay: 20 });
}

function send(file, item) {
  const data = new FormData();
  data.append("files", file);
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("X-CSRFToken", form.querySelector("[name=csrfmiddlewaretoken]").value);
  request.setRequestHeader("HX-Request", "true");
  request.setRequestHeader("HX-Target", form.dataset.uploadTarget.slice(1));
  const bar = item.querySelector("progress");
  request.upload.onprogress = (event) => {
    bar.max = event.total;
    bar.value = event.loaded;
    item.querySelector(".upload-state").textContent = `${Math.round((100 * event.loaded) / event.total)} %`;
  };
  request.onloadend = () => {
    running -= 1;
    finish(request, item);
    next();
  };
  request.send(data);
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    send(...waiting.shift());
  }
}

function take(files) {
  for (const file of files) {
    const item = row(file);
    const why = refusal(file);
    if (why) fail(item, why);
    else waiting.push([file, item]);
  }
  next();
}

function hasFiles(event) {
  return [...(event.dataTransfer?.types ?? [])].includes("Files");
}

function dropping(isOver) {
  dragDepth = Math.max(0, dragDepth + (isOver ? 1 : -1));
  document.getElementById("main").toggleAttribute("data-dropping", dragDepth > 0);
}

if (form) {
  document.getElementById("main").dataset.dropText = form.dataset.dropText;
  form.addEventListener("change", (event) => {
    if (event.target.type !== "file") return;
    take(event.target.files);
    event.target.value = "";
  });
  document.addEventListener("dragenter", (event) => hasFiles(event) && dropping(true));
  document.addEventListener("dragleave", (event) => hasFiles(event) && dropping(false));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    dragDepth = 1;
    dropping(false);
    take(event.dataTransfer.files);
  });
}
