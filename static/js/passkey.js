// Passkeys: a form with data-passkey asks the browser for one (get) or makes one (create), puts the answer into its
// field `credential`, and is then sent. What to ask stands in the page (data-options) or is fetched (data-options-url).
const FAILED = "That did not work. Please try again.";
const REASONS = {
  NotAllowedError: "Nothing was chosen, or it took too long. Please try again.",
  InvalidStateError: "This device or key holds a passkey of your account already.",
  SecurityError: "Passkeys do not work at this address. Open the site by its name and https.",
  NotSupportedError: "This device cannot make a passkey that fits.",
};

const canUse = "credentials" in navigator && "PublicKeyCredential" in window;
for (const form of document.querySelectorAll("form[data-passkey]")) prepare(form);

function prepare(form) {
  if (canUse) form.hidden = false;
  else if (!form.hidden) fail(form, "This browser cannot use passkeys at this address.");
  form.addEventListener("submit", (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    ask(form);
  });
  // Back from the next page: the old answer does not count twice.
  addEventListener("pageshow", () => (form.elements.credential.value = ""));
}

async function ask(form) {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  fail(form, "");
  try {
    const { publicKey } = await optionsOf(form);
    const isNew = form.dataset.passkey === "create";
    const credential = isNew
      ? await navigator.credentials.create({ publicKey: forCreation(publicKey) })
      : await navigator.credentials.get({ publicKey: forRequest(publicKey) });
    form.elements.credential.value = JSON.stringify(answerOf(credential));
    form.requestSubmit();
  } catch (error) {
    fail(form, REASONS[error.name] ?? FAILED);
  } finally {
    button.disabled = false;
  }
}

async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(document.getElementById(form.dataset.options).textContent);
  const response = await fetch(form.dataset.optionsUrl, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

function forCreation(options) {
  return {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: (options.excludeCredentials ?? []).map(withBytes),
  };
}

function forRequest(options) {
  return {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: (options.allowCredentials ?? []).map(withBytes),
  };
}

function answerOf(credential) {
  const { response } = credential;
  const answer = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    answer.attestationObject = text(response.attestationObject);
  } else {
    answer.authenticatorData = text(response.authenticatorData);
    answer.signature = text(response.signature);
    if (response.userHandle?.byteLength) answer.userHandle = text(response.userHandle);
  }
  const { credProps } = credential.getClientExtensionResults();
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: answer,
    clientExtensionResults: credProps ? { credProps: { rk: credProps.rk === true } } : {},
  };
}

function withBytes(descriptor) {
  return { ...descriptor, id: bytes(descriptor.id) };
}

function bytes(base64url) {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function text(buffer) {
  const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fail(form, message) {
  const place = form.querySelector("[data-passkey-error]");
  place.textContent = message;
  place.hidden = !message;
}
