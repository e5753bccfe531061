// An MCP Apps view (2026-01-26): JSON-RPC with the host around this frame, and nothing else.
// Every text of the world goes through textContent; nothing here builds markup from it.
"use strict";

const PATIENCE_MS = 60000;
const asked = new Map();
let serial = 0;
let host = {};
let listed = {};

// -- The host ---------------------------------------------------------------------------------

const send = (message) => window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
const tell = (method, params = {}) => send({ method, params });

function ask(method, params) {
  return new Promise((resolve, reject) => {
    const id = ++serial;
    const late = () => settle({ id, error: { message: "The client did not answer in a minute." } });
    asked.set(id, { resolve, reject, timer: setTimeout(late, PATIENCE_MS) });
    send({ id, method, params });
  });
}

function settle({ id, result, error }) {
  const one = asked.get(id);
  if (!one) return;
  asked.delete(id);
  clearTimeout(one.timer);
  if (error) one.reject(new Error(error.message || "The client refused."));
  else one.resolve(result);
}

window.addEventListener("message", ({ source, data }) => {
  if (source !== window.parent || !data || data.jsonrpc !== "2.0") return;
  if (data.method === undefined) settle(data);
  else if (data.id !== undefined) {
    const known = ["ping", "ui/resource-teardown"].includes(data.method);
    send(
      known
        ? { id: data.id, result: {} }
        : { id: data.id, error: { code: -32601, message: `Unknown method: ${data.method}` } },
    );
  } else hear(data.method, data.params || {});
});

function hear(method, params) {
  if (method === "ui/notifications/tool-input") listed = params.arguments || {};
  else if (method === "ui/notifications/tool-result") take(params);
  else if (method === "ui/notifications/tool-cancelled") say("The list was cancelled.");
  else if (method === "ui/notifications/host-context-changed") dress(params);
}

function dress(context) {
  const root = document.documentElement;
  if (["light", "dark"].includes(context.theme)) root.dataset.theme = context.theme;
  const variables = (context.styles && context.styles.variables) || {};
  for (const [name, value] of Object.entries(variables)) {
    if (/^--(color|font)-[a-z0-9-]+$/.test(name) && value) root.style.setProperty(name, value);
  }
}

const can = (what) => Boolean(host.hostCapabilities && host.hostCapabilities[what]);
