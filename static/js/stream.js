// Replies that are being written. Frames are HTML for htmx's out-of-band swap. A websocket brings them; where it says
// nothing twice in a row an event stream does, and where that says nothing either the message is fetched again and
// again. Every connection begins with the whole state, so nothing is lost or doubled by connecting again.
const TRIES = 2;
const POLL_MS = 2000;
const WAIT_MS = [300, 800, 2000, 4000, 8000];
const WAYS = ["socket", "events", "poll"];
const SIGNED_OUT = 4401;
const REFUSED = [4403, 4404];
const following = new Map();

function wayRemembered() {
  return WAYS.includes(sessionStorage.getItem("stream-way")) ? sessionStorage.getItem("stream-way") : "socket";
}

class Following {
  constructor(element) {
    this.element = element;
    this.way = wayRemembered();
    this.failures = 0;
    this.tries = 0;
    this.connect();
  }

  get isOver() {
    return !this.element.isConnected || !this.element.hasAttribute("data-stream");
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.isOver) return this.end();
    this[this.way]();
  }

  show(frame) {
    this.tries = 0;
    this.failures = 0;
    htmx.swap(document.body, frame, { swapStyle: "none", swapDelay: 0, settleDelay: 0 });
    if (this.isOver) this.end();
  }

  later() {
    if (this.isOver) return this.end();
    const wait = WAIT_MS[Math.min(this.tries, WAIT_MS.length - 1)];
    this.tries += 1;
    this.timer = setTimeout(() => this.connect(), wait * (0.75 + Math.random() / 2));
  }

  failed(next) {
    this.failures += 1;
    if (this.failures >= TRIES) {
      this.failures = 0;
      this.way = next;
      sessionStorage.setItem("stream-way", next);
    }
    this.later();
  }

  socket() {
    const socket = new WebSocket(new URL(this.element.dataset.stream, location.href.replace(/^http/, "ws")));
    let hasSpoken = false;
    this.close = () => socket.close();
    // Opening is not enough: a proxy may open and say nothing. The server speaks at once.
    socket.onmessage = (event) => {
      hasSpoken = true;
      this.show(event.data);
    };
    socket.onclose = (event) => {
      if (this.isOver) return this.end();
      if (event.code === SIGNED_OUT) return location.reload();
      if (REFUSED.includes(event.code)) return this.end();
      if (hasSpoken) this.later();
      else this.failed("events");
    };
  }

  events() {
    const source = new EventSource(this.element.dataset.streamFrames);
    let hasSpoken = false;
    this.close = () => source.close();
    source.onmessage = (event) => {
      hasSpoken = true;
      this.show(event.data);
    };
    source.onerror = () => {
      source.close();
      if (hasSpoken) this.later();
      else this.failed("poll");
    };
  }

  async poll() {
    this.close = () => {};
    try {
      const response = await fetch(this.element.dataset.streamPoll, { headers: { "HX-Request": "true" } });
      if (response.ok) this.show(await response.text());
      if (response.status === 404) return this.end();
    } catch {
      // The server is away; the next round asks again.
    }
    if (!this.isOver) this.timer = setTimeout(() => this.connect(), POLL_MS);
  }

  hurry() {
    if (this.timer === undefined) return;
    this.tries = 0;
    this.connect();
  }

  end() {
    clearTimeout(this.timer);
    this.close?.();
    following.delete(this.element.id);
  }
}

function look() {
  for (const element of document.querySelectorAll("[data-stream]")) {
    const known = following.get(element.id);
    if (known) known.element = element;
    else following.set(element.id, new Following(element));
  }
}

document.addEventListener("htmx:afterSettle", look);
addEventListener("online", () => following.forEach((one) => one.hurry()));
document.addEventListener("visibilitychange", () => document.hidden || following.forEach((one) => one.hurry()));
look();
